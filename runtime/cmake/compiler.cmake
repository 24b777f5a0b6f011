# What this compiler and linker can do, each tried before it is used.
include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)

# Bit-equal results on every machine need each product rounded before it is added.
set(EDGECV_FLAGS)
if(MSVC AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "MSVC")  # clang-cl
  set(EDGECV_NO_CONTRACTION /clang:-ffp-contract=off)
elseif(NOT MSVC)
  set(EDGECV_NO_CONTRACTION -ffp-contract=off)
endif()
if(EDGECV_NO_CONTRACTION)
  check_cxx_compiler_flag(${EDGECV_NO_CONTRACTION} EDGECV_HAS_NO_CONTRACTION)
  if(NOT EDGECV_HAS_NO_CONTRACTION)
    message(FATAL_ERROR "the compiler ${CMAKE_CXX_COMPILER} has no ${EDGECV_NO_CONTRACTION}, without which "
      "results differ from machine to machine: take GCC or Clang")
  endif()
  list(APPEND EDGECV_FLAGS ${EDGECV_NO_CONTRACTION})
endif()

if(MSVC)
  list(APPEND EDGECV_FLAGS /W4 /utf-8 /DNOMINMAX)
else()
  # No -ffast-math: NaN checks need IEEE arithmetic.
  foreach(flag IN ITEMS -Wall -Wextra -fno-math-errno -fno-trapping-math -ffunction-sections -fdata-sections
      -Wno-psabi)  # wide vectors pass through functions that are always inlined: no call, no ABI
    string(MAKE_C_IDENTIFIER "EDGECV_HAS${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})
    if(${known})
      list(APPEND EDGECV_FLAGS ${flag})
    endif()
  endforeach()
endif()

# The x87 computes in 80 bits and rounds when a value leaves its registers: boxes would differ.
check_cxx_source_compiles([[
  #include <cfloat>
  static_assert(FLT_EVAL_METHOD == 0, "");
  int main() {}]] EDGECV_FLOATS_ARE_FLOATS)
if(NOT EDGECV_FLOATS_ARE_FLOATS)
  message(FATAL_ERROR "the compiler computes floats in more than 32 bits, so results would differ from those of "
    "other machines: on 32-bit x86 give -DCMAKE_CXX_FLAGS=\"-msse2 -mfpmath=sse\"")
endif()

# Bundles and tensors hold little-endian numbers, and no engine runs elsewhere.
check_cxx_source_compiles([[
  #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  #error
  #endif
  int main() {}]] EDGECV_LITTLE_ENDIAN)
if(NOT EDGECV_LITTLE_ENDIAN)
  message(FATAL_ERROR "the compiler ${CMAKE_CXX_COMPILER} builds for a big-endian processor, which edgecv does not "
    "support: build for a little-endian one")
endif()

# The levels of x86-64: one function may be compiled for another processor, and the library asks which
# processor it runs on.
set(EDGECV_USES_CLONES OFF)
if(EDGECV_CLONES)
  check_cxx_source_compiles([[
    __attribute__((target("avx2,fma,bmi,bmi2"))) int next(int x) { return x + 1; }
    int main(int count, char**) { return __builtin_cpu_supports("avx2") ? next(count) : 0; }]]
    EDGECV_HAS_CLONES)
  set(EDGECV_USES_CLONES ${EDGECV_HAS_CLONES})
endif()

# Some machines have the compiler's option for link-time optimisation and no linker plug-in.
set(EDGECV_USES_LTO OFF)
if(EDGECV_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT EDGECV_USES_LTO OUTPUT EDGECV_LTO_OUTPUT LANGUAGES CXX)
  if(EDGECV_USES_LTO AND NOT BUILD_SHARED_LIBS AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(EDGECV_USES_LTO OFF)
    set(EDGECV_LTO_OUTPUT "a static library of this compiler would force it on every user")
  endif()
  if(NOT EDGECV_USES_LTO)
    if(NOT EDGECV_LTO STREQUAL "AUTO")
      message(FATAL_ERROR "EDGECV_LTO: the compiler cannot optimise at link time: ${EDGECV_LTO_OUTPUT}")
    endif()
    message(STATUS "The compiler cannot optimise at link time: the libraries become larger")
  endif()
endif()

set(EDGECV_EXPORTS ${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.map)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--version-script=${EDGECV_EXPORTS})
check_cxx_source_compiles("int main() {}" EDGECV_HAS_VERSION_SCRIPT)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--gc-sections)
check_cxx_source_compiles("int main() {}" EDGECV_HAS_GC_SECTIONS)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
