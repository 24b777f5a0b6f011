// The levels of x86-64 processors that kernels are compiled for: the baseline, x86-64-v3 (AVX2)
// and x86-64-v4 (AVX-512). On Arm the baseline already has NEON.
#pragma once

#include <cfloat>

// Chosen by a variable and not by the loader's ifunc, which runs before a sanitizer's runtime is
// ready and which some C libraries lack. EDGECV_NO_CLONES leaves the baseline alone.
#if !defined(EDGECV_NO_CLONES) && defined(__x86_64__) && defined(__GNUC__)
#define EDGECV_LEVELS 1
#define EDGECV_TARGET_V3 __attribute__((target("avx2,fma,bmi,bmi2")))
#define EDGECV_TARGET_V4 \
  __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))
#else
#define EDGECV_LEVELS 0
#endif

// For what a kernel calls: only code inlined into it is compiled for its level.
#if defined(_MSC_VER)
#define EDGECV_INLINE __forceinline
#else
#define EDGECV_INLINE inline __attribute__((always_inline))
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "edgecv does not support big-endian processors"
#endif
#if FLT_EVAL_METHOD != 0
#error "floats are computed in more than 32 bits: on 32-bit x86 compile with -msse2 -mfpmath=sse"
#endif

namespace edgecv {

enum class ProcessorLevel { base, v3, v4 };

/// What this processor and its system have; found before main(), the baseline until then. Tests
/// lower it.
extern ProcessorLevel processor_level;

}  // namespace edgecv
