# 32-bit Arm with hardware floating point (armhf). With Debian's compiler (apt install g++-arm-linux-gnueabihf):
#   cmake -S runtime -B build/arm -DCMAKE_TOOLCHAIN_FILE=runtime/cmake/toolchains/arm-linux-gnueabihf.cmake
# Another compiler, or a sysroot: -DCMAKE_CXX_COMPILER=..., -DCMAKE_SYSROOT=...
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR arm)
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
endif()
# What is found is for that machine; programs are this machine's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
if(NOT CMAKE_FIND_ROOT_PATH)
  set(CMAKE_FIND_ROOT_PATH /usr/arm-linux-gnueabihf)
endif()
