// One function compiled for several x86-64 levels, the best one chosen at each call: where add_once
// is EDGECV_INLINE with plain arithmetic in its loops, `constexpr auto add = clones<add_once>;` is
// called like it. What works with vectors of its own (simd/vector.hpp) is included for each level
// instead: see simd/each_level.hpp.
#pragma once

#include "simd/level.hpp"

namespace edgecv {

#if EDGECV_LEVELS

template <auto function>
struct Clones;

/// A loop is vectorised after `function` was inlined, so for the level of the one that it is in.
template <typename Result, typename... Arguments, Result (*function)(Arguments...)>
struct Clones<function> {
  static Result base(Arguments... arguments) { return function(arguments...); }
  EDGECV_TARGET_V3 static Result v3(Arguments... arguments) { return function(arguments...); }
  EDGECV_TARGET_V4 static Result v4(Arguments... arguments) { return function(arguments...); }

  static Result best(Arguments... arguments) {
    if (processor_level == ProcessorLevel::v4) return v4(arguments...);
    return best_avx2(arguments...);
  }
  static Result best_avx2(Arguments... arguments) {
    return processor_level == ProcessorLevel::base ? base(arguments...) : v3(arguments...);
  }
};

template <auto function>
inline constexpr auto clones = &Clones<function>::best;

/// For loops in which AVX-512 gains nothing.
template <auto function>
inline constexpr auto clones_avx2 = &Clones<function>::best_avx2;

#else

template <auto function>
inline constexpr auto clones = function;
template <auto function>
inline constexpr auto clones_avx2 = function;

#endif

}  // namespace edgecv
