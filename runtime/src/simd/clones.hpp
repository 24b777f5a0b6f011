// One function compiled for several x86-64 levels, the best one chosen when the library is loaded.
#pragma once

#include <cstdlib>  // defines __GLIBC__ where it is the C library

// Needs ifunc (ELF, glibc). On Arm the baseline already has NEON. EDGECV_NO_CLONES is for sanitizer
// builds, whose runtime is not ready when the choice is made.
#if !defined(EDGECV_NO_CLONES) && defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && \
    defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define EDGECV_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
// For loops in which AVX-512 gains nothing.
#define EDGECV_CLONES_AVX2 __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define EDGECV_CLONES
#define EDGECV_CLONES_AVX2
#endif

// For what a clone calls: only code inlined into it is compiled for its level.
#if defined(_MSC_VER)
#define EDGECV_INLINE __forceinline
#else
#define EDGECV_INLINE inline __attribute__((always_inline))
#endif
