// Sixteen floats as one vector, compared with others and folded into one number.
//
//   const float values[16] = {0.1f, 0.7f};
//   const Floats16 block = load<Floats16>(values);
//   if (any_above(block, splat<Floats16>(0.5f))) largest_lane(block);  // 0.7
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/vector.hpp"

namespace edgecv {

inline constexpr std::size_t lanes = 16;
using Floats16 = Floats<lanes>;

/// Bit k says whether lane k lies above its limit.
EDGECV_INLINE std::uint32_t lanes_above(const Floats16& values, const Floats16& limits) {
#if EDGECV_VECTORS
  using Bytes = Vector<std::int8_t, lanes>;
  const Bytes hits = __builtin_convertvector(values > limits, Bytes);  // -1 or 0
  std::uint64_t half[2];
  std::memcpy(half, &hits, sizeof half);
  // Byte k keeps its bit k, and the product gathers the bytes in the highest one.
  constexpr std::uint64_t diagonal = 0x8040201008040201u, gather = 0x0101010101010101u;
  return static_cast<std::uint32_t>((half[0] & diagonal) * gather >> 56) |
         static_cast<std::uint32_t>((half[1] & diagonal) * gather >> 56) << 8;
#else
  std::uint32_t bits = 0;
  for (std::size_t k = 0; k < lanes; ++k) {
    bits |= static_cast<std::uint32_t>(values[k] > limits[k]) << k;
  }
  return bits;
#endif
}

EDGECV_INLINE bool any_above(const Floats16& values, const Floats16& limits) {
  return lanes_above(values, limits) != 0;
}

/// Position of the lowest bit that is set; of a number above 0.
EDGECV_INLINE std::size_t lowest_bit(std::uint32_t bits) {
#if defined(__GNUC__)
  return static_cast<std::size_t>(__builtin_ctz(bits));
#else
  std::size_t k = 0;
  while ((bits >> k & 1u) == 0) ++k;
  return k;
#endif
}

/// The first `count` values (at most 16 are read), the other lanes filled.
EDGECV_INLINE Floats16 load_some(const float* values, std::size_t count, float fill) {
  if (count >= lanes) return load<Floats16>(values);
  float lane[lanes];
  for (float& value : lane) value = fill;
  for (std::size_t k = 0; k < count; ++k) lane[k] = values[k];
  return load<Floats16>(lane);
}

/// The first `count` of 16 values that may all be read, the other lanes filled.
EDGECV_INLINE Floats16 first_lanes(const float* values, std::size_t count, float fill) {
#if EDGECV_VECTORS
  constexpr Vector<std::uint32_t, lanes> lane = {0, 1, 2,  3,  4,  5,  6,  7,
                                                 8, 9, 10, 11, 12, 13, 14, 15};
  return lane < static_cast<std::uint32_t>(count) ? load<Floats16>(values) : splat<Floats16>(fill);
#else
  return load_some(values, count, fill);
#endif
}

// Folded in halves; in registers where the compiler can say so, in the same order.
#if EDGECV_VECTORS && (defined(__clang__) || __GNUC__ >= 12)

EDGECV_INLINE Floats16 upper_half(Floats16 v) {
  return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
}
EDGECV_INLINE Floats16 second_quarter(Floats16 v) {
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
}
EDGECV_INLINE Floats16 second_pair(Floats16 v) {
  return __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3);
}
EDGECV_INLINE Floats16 second_lane(Floats16 v) {
  return __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
}

EDGECV_INLINE float largest_lane(Floats16 v) {
  v = larger(v, upper_half(v));
  v = larger(v, second_quarter(v));
  v = larger(v, second_pair(v));
  return larger(v, second_lane(v))[0];
}

EDGECV_INLINE float sum_of_lanes(Floats16 v) {
  v += upper_half(v);
  v += second_quarter(v);
  v += second_pair(v);
  return v[0] + v[1];
}

#else

EDGECV_INLINE float largest_lane(const Floats16& v) {
  float lane[lanes];
  store(lane, v);
  for (std::size_t half = lanes / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) lane[k] = larger(lane[k], lane[k + half]);
  }
  return lane[0];
}

EDGECV_INLINE float sum_of_lanes(const Floats16& v) {
  float lane[lanes];
  store(lane, v);
  for (std::size_t half = lanes / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) lane[k] += lane[k + half];
  }
  return lane[0];
}

#endif

}  // namespace edgecv
