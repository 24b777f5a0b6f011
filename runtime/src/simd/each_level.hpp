// Includes a file of kernels once for each level of processors: EDGECV_KERNELS is defined as its
// name before this header is included, and EDGECV_BEST_LEVEL(kernel)(...) calls the one that fits.
//
// Generic vectors must be as wide as the level's registers, and the compiler lowers those of a
// function before it is inlined or cloned. So all that handles them is compiled for the level from
// the start: the file defines its functions in edgecv::EDGECV_LEVEL, those that are inlined with
// EDGECV_KERNEL_INLINE, the others with EDGECV_KERNEL, and the headers of vectors that it includes
// (simd/vector.hpp, simd/floats16.hpp, scores/class_scores.hpp) do the same. Other headers of
// edgecv are included before this one. EDGECV_KERNELS_UP_TO_AVX2 says that AVX-512 gains nothing.
#include "simd/level.hpp"

#ifndef EDGECV_KERNELS
#error "EDGECV_KERNELS names the file of the kernels"
#endif

// Bytes of a register. 64 for a level means float and int32 in vectors of 16.
#define EDGECV_LEVEL base
#define EDGECV_KERNEL
#define EDGECV_KERNEL_INLINE EDGECV_INLINE
#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define EDGECV_REGISTER_BYTES 64
#elif defined(__AVX2__)
#define EDGECV_REGISTER_BYTES 32
#else
#define EDGECV_REGISTER_BYTES 16
#endif
#include EDGECV_KERNELS
#include "simd/level_end.hpp"

#if EDGECV_LEVELS

#define EDGECV_LEVEL v3
#define EDGECV_KERNEL EDGECV_TARGET_V3
#define EDGECV_KERNEL_INLINE EDGECV_INLINE EDGECV_TARGET_V3
#define EDGECV_REGISTER_BYTES 32
#include EDGECV_KERNELS
#include "simd/level_end.hpp"

#ifdef EDGECV_KERNELS_UP_TO_AVX2
#define EDGECV_BEST_LEVEL(kernel) \
  (::edgecv::processor_level == ::edgecv::ProcessorLevel::base ? base::kernel : v3::kernel)
#else
#define EDGECV_LEVEL v4
#define EDGECV_KERNEL EDGECV_TARGET_V4
#define EDGECV_KERNEL_INLINE EDGECV_INLINE EDGECV_TARGET_V4
#define EDGECV_REGISTER_BYTES 64
#include EDGECV_KERNELS
#include "simd/level_end.hpp"

#define EDGECV_BEST_LEVEL(kernel)                                             \
  (::edgecv::processor_level == ::edgecv::ProcessorLevel::base ? base::kernel \
   : ::edgecv::processor_level == ::edgecv::ProcessorLevel::v3 ? v3::kernel   \
                                                               : v4::kernel)
#endif

#else

#define EDGECV_BEST_LEVEL(kernel) base::kernel

#endif
