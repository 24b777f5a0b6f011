# What `cmake --install . --component cpp` installs; a wheel has the component "python".
include(CMakePackageConfigHelpers)
set(EDGECV_PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/edgecv)

set(EDGECV_NAMELINK)
set(EDGECV_PC_LIBRARY -ledgecv)
if(SKBUILD)
  set(EDGECV_NAMELINK NAMELINK_SKIP)
  set(EDGECV_PC_LIBRARY "\${libdir}/$<TARGET_FILE_NAME:edgecv_core>")
endif()

# A library with its targets for CMake, which each engine has in a file of its own.
function(edgecv_install_library target export)
  install(TARGETS ${target} EXPORT ${export}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT cpp
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp ${EDGECV_NAMELINK}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp)
  install(EXPORT ${export} NAMESPACE edgecv:: DESTINATION ${EDGECV_PACKAGE} COMPONENT cpp)
endfunction()

edgecv_install_library(edgecv_core edgecv)
set(EDGECV_PC_CFLAGS)
set(EDGECV_PC_PRIVATE)
set(EDGECV_PC_ZLIB)
set(EDGECV_PC_DL)
if(CMAKE_DL_LIBS)
  set(EDGECV_PC_DL "-l${CMAKE_DL_LIBS} ")
endif()
set(EDGECV_NEEDS_ZLIB OFF)  # to link a project
if(ZLIB_FOUND)
  set(EDGECV_PC_ZLIB "-lz ")
endif()
if(BUILD_SHARED_LIBS)
  set(EDGECV_PC_CFLAGS " -DEDGECV_SHARED")
  set(EDGECV_PC_PRIVATE "\nLibs.private:")
elseif(ZLIB_FOUND)
  set(EDGECV_NEEDS_ZLIB ON)
endif()
configure_file(cmake/edgecv.pc.in ${CMAKE_CURRENT_BINARY_DIR}/edgecv.pc.in @ONLY)
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/edgecv.pc INPUT ${CMAKE_CURRENT_BINARY_DIR}/edgecv.pc.in)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/edgecv.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT cpp)

install(DIRECTORY include/edgecv old_paths/edgecv DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp
  FILES_MATCHING PATTERN *.hpp PATTERN onnxruntime.hpp EXCLUDE PATTERN openvino.hpp EXCLUDE)

foreach(name IN LISTS EDGECV_ENGINES)
  edgecv_install_library(edgecv_${name} edgecv_${name})
  install(FILES include/edgecv/engine/${name}.hpp
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/edgecv/engine COMPONENT cpp)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/old_paths/edgecv/${name}.hpp)
    install(FILES old_paths/edgecv/${name}.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/edgecv COMPONENT cpp)
  endif()
  foreach(property IN ITEMS PACKAGE PACKAGE_VERSION PACKAGE_COMPONENTS)
    get_target_property(${property} edgecv_${name} EDGECV_${property})
  endforeach()
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/edgecv_${name}_needs.cmake
    "set(edgecv_needs \"${PACKAGE}\")\nset(edgecv_needs_version \"${PACKAGE_VERSION}\")\n"
    "set(edgecv_needs_components \"${PACKAGE_COMPONENTS}\")\n")
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/edgecv_${name}_needs.cmake DESTINATION ${EDGECV_PACKAGE} COMPONENT cpp)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/edgecv-${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT cpp)
endforeach()

install(FILES ../LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/edgecv COMPONENT cpp)
install(FILES licenses/nlohmann-json.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/edgecv COMPONENT cpp)

configure_package_config_file(cmake/edgecvConfig.cmake.in edgecvConfig.cmake
  INSTALL_DESTINATION ${EDGECV_PACKAGE})
write_basic_package_version_file(edgecvConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/edgecvConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/edgecvConfigVersion.cmake
  DESTINATION ${EDGECV_PACKAGE} COMPONENT cpp)
