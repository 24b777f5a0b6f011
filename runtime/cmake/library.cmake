# What the core and each engine have in common.

# None of it reaches a project that links the library, but for the sanitizers' run time in this build.
function(edgecv_library target)
  set_target_properties(${target} PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  if(SKBUILD)  # a wheel has no links: the library is the file that programs ask for
    set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  endif()
  target_compile_options(${target} PRIVATE ${EDGECV_FLAGS})
  if(BUILD_SHARED_LIBS)
    target_compile_definitions(${target} PUBLIC EDGECV_SHARED)
    if(EDGECV_HAS_VERSION_SCRIPT)
      target_link_options(${target} PRIVATE -Wl,--version-script=${EDGECV_EXPORTS})
      set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${EDGECV_EXPORTS})
    endif()
    if(EDGECV_HAS_GC_SECTIONS)
      target_link_options(${target} PRIVATE -Wl,--gc-sections)
    endif()
  endif()
  if(EDGECV_SANITIZE)
    edgecv_sanitize(${target})
    target_link_options(${target} INTERFACE $<BUILD_INTERFACE:-fsanitize=${EDGECV_SANITIZE}>)
  endif()
endfunction()

# -O1 comes last and counts: optimising instrumented code takes long, running it does not.
function(edgecv_sanitize target)
  target_compile_options(${target} PRIVATE -fsanitize=${EDGECV_SANITIZE} -fno-sanitize-recover=all -g -O1)
  target_link_options(${target} PRIVATE -fsanitize=${EDGECV_SANITIZE})
endfunction()

# From the folder of the .pc files to the prefix, so that the tree can be moved.
set(EDGECV_PKGCONFIG ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH EDGECV_PC_PREFIX ${EDGECV_PKGCONFIG} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH EDGECV_PC_LIBDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH EDGECV_PC_INCLUDEDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
