# What a user can choose; docs/cpp.md explains each.
if(SKBUILD AND NOT WIN32)  # a wheel: Python's extension and C++ applications share the library
  set(BUILD_SHARED_LIBS ON)
endif()
option(BUILD_SHARED_LIBS "Build shared libraries, else static ones" OFF)
if(EDGECV_GUEST)
  option(EDGECV_INSTALL "Install the library, its headers and its packages for CMake and pkg-config" OFF)
else()
  option(EDGECV_INSTALL "Install the library, its headers and its packages for CMake and pkg-config" ON)
endif()
option(EDGECV_TESTS "Build the C++ tests" OFF)
option(EDGECV_CLONES "Compile hot loops for several levels of x86-64, where the compiler can" ON)
set(EDGECV_LTO_DEFAULT OFF)
if(BUILD_SHARED_LIBS)
  set(EDGECV_LTO_DEFAULT AUTO)  # 6 % smaller
endif()
set(EDGECV_LTO ${EDGECV_LTO_DEFAULT} CACHE STRING "Optimise at link time: ON, OFF, or AUTO, which is ON where it works")
set_property(CACHE EDGECV_LTO PROPERTY STRINGS ON OFF AUTO)
set(EDGECV_SANITIZE OFF CACHE STRING "Sanitizers: address, undefined, both as address;undefined, or thread")

# A list, or with commas as the compiler takes them.
string(REPLACE ";" "," EDGECV_SANITIZE "${EDGECV_SANITIZE}")
