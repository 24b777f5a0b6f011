# IBM Z, the big-endian processor that the tests run on. With Debian's compiler (apt install g++-s390x-linux-gnu):
#   cmake -S runtime -B build/s390x -DCMAKE_TOOLCHAIN_FILE=runtime/cmake/toolchains/s390x-linux-gnu.cmake
# Another compiler, or a sysroot: -DCMAKE_CXX_COMPILER=..., -DCMAKE_SYSROOT=...
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER s390x-linux-gnu-g++)
endif()
# What is found is for that machine; programs are this machine's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
if(NOT CMAKE_FIND_ROOT_PATH)
  set(CMAKE_FIND_ROOT_PATH /usr/s390x-linux-gnu)
endif()
