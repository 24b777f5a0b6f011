# EDGECV_NLOHMANN_JSON: the folder of nlohmann/json.hpp. In this order: NLOHMANN_JSON_INCLUDE, a target
# of the project around this one, the toolchain's, the building machine's (a header is the same for all
# machines; a cross toolchain looks into its sysroot only), the one in PyPI's package.
if(NOT NLOHMANN_JSON_INCLUDE AND NOT TARGET nlohmann_json::nlohmann_json)
  find_package(nlohmann_json 3.7 CONFIG QUIET)
endif()
if(NOT NLOHMANN_JSON_INCLUDE AND NOT TARGET nlohmann_json::nlohmann_json)
  find_path(NLOHMANN_JSON_INCLUDE nlohmann/json.hpp)
  find_path(NLOHMANN_JSON_INCLUDE nlohmann/json.hpp NO_CMAKE_FIND_ROOT_PATH)
  if(NOT NLOHMANN_JSON_INCLUDE)
    find_package(Python 3.6 COMPONENTS Interpreter)
    if(Python_Interpreter_FOUND)
      execute_process(
        COMMAND ${Python_EXECUTABLE} -c "import nlohmann_json, os; print(os.path.join(os.path.dirname(nlohmann_json.__file__), 'include'))"
        OUTPUT_VARIABLE EDGECV_JSON_PACKAGE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
      find_path(NLOHMANN_JSON_INCLUDE nlohmann/json.hpp PATHS ${EDGECV_JSON_PACKAGE}
        NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
    endif()
  endif()
endif()
if(NLOHMANN_JSON_INCLUDE AND NOT EXISTS "${NLOHMANN_JSON_INCLUDE}/nlohmann/json.hpp")
  message(FATAL_ERROR "NLOHMANN_JSON_INCLUDE is ${NLOHMANN_JSON_INCLUDE}, which has no nlohmann/json.hpp")
endif()

if(NLOHMANN_JSON_INCLUDE)
  set(EDGECV_NLOHMANN_JSON ${NLOHMANN_JSON_INCLUDE})
  if(CMAKE_CROSSCOMPILING)
    # Alone in a folder: beside it may lie the building machine's own headers.
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/nlohmann_json)
    file(CREATE_LINK ${NLOHMANN_JSON_INCLUDE}/nlohmann ${CMAKE_CURRENT_BINARY_DIR}/nlohmann_json/nlohmann
      COPY_ON_ERROR SYMBOLIC)
    set(EDGECV_NLOHMANN_JSON ${CMAKE_CURRENT_BINARY_DIR}/nlohmann_json)
  endif()
elseif(TARGET nlohmann_json::nlohmann_json)
  set(EDGECV_NLOHMANN_JSON $<TARGET_PROPERTY:nlohmann_json::nlohmann_json,INTERFACE_INCLUDE_DIRECTORIES>)
else()
  message(FATAL_ERROR "nlohmann/json.hpp not found: apt install nlohmann-json3-dev, pip install nlohmann-json, or "
    "give -DNLOHMANN_JSON_INCLUDE=FOLDER, the one that has nlohmann/json.hpp")
endif()
