// Sixteen floats as one vector: the compiler cuts it to the registers of the machine it compiles
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/clones.hpp"

namespace edgecv {

inline constexpr std::size_t wide_lanes = 16;

#if defined(__GNUC__)

using Wide = float __attribute__((vector_size(64)));
using WideBits = std::uint32_t __attribute__((vector_size(64)));

EDGECV_INLINE Wide larger(Wide a, Wide b) { return a > b ? a : b; }
EDGECV_INLINE Wide if_below(Wide x, float limit, Wide below, Wide otherwise) {
  return x < limit ? below : otherwise;
}
/// 2^n, where `shifted` is n + 1.5 * 2^23: its low bits hold n.
EDGECV_INLINE Wide power_of_two(Wide shifted) {
  return reinterpret_cast<Wide>((reinterpret_cast<WideBits>(shifted) + 127u) << 23);
}
/// Bit k says whether lane k lies above its limit.
EDGECV_INLINE std::uint32_t lanes_above(Wide values, Wide limits) {
  using WideBytes = std::int8_t __attribute__((vector_size(16)));
  const WideBytes hits = __builtin_convertvector(values > limits, WideBytes);  // -1 or 0
  std::uint64_t half[2];
  std::memcpy(half, &hits, sizeof half);
  // Byte k keeps its bit k, and the product gathers the bytes in the highest one.
  constexpr std::uint64_t diagonal = 0x8040201008040201u, gather = 0x0101010101010101u;
  return static_cast<std::uint32_t>((half[0] & diagonal) * gather >> 56) |
         static_cast<std::uint32_t>((half[1] & diagonal) * gather >> 56) << 8;
}

#else

struct Wide {
  float lane[wide_lanes];
};

template <typename Function>
EDGECV_INLINE Wide each_lane(Function function) {
  Wide result;
  for (std::size_t k = 0; k < wide_lanes; ++k) result.lane[k] = function(k);
  return result;
}
EDGECV_INLINE Wide operator+(const Wide& a, const Wide& b) {
  return each_lane([&](std::size_t k) { return a.lane[k] + b.lane[k]; });
}
EDGECV_INLINE Wide operator-(const Wide& a, const Wide& b) {
  return each_lane([&](std::size_t k) { return a.lane[k] - b.lane[k]; });
}
EDGECV_INLINE Wide operator*(const Wide& a, const Wide& b) {
  return each_lane([&](std::size_t k) { return a.lane[k] * b.lane[k]; });
}
EDGECV_INLINE Wide operator/(const Wide& a, const Wide& b) {
  return each_lane([&](std::size_t k) { return a.lane[k] / b.lane[k]; });
}
EDGECV_INLINE Wide& operator+=(Wide& a, const Wide& b) { return a = a + b; }
EDGECV_INLINE Wide larger(const Wide& a, const Wide& b) {
  return each_lane([&](std::size_t k) { return a.lane[k] > b.lane[k] ? a.lane[k] : b.lane[k]; });
}
EDGECV_INLINE Wide if_below(const Wide& x, float limit, const Wide& below, const Wide& otherwise) {
  return each_lane(
      [&](std::size_t k) { return x.lane[k] < limit ? below.lane[k] : otherwise.lane[k]; });
}
EDGECV_INLINE float power_of_two(float shifted);
EDGECV_INLINE Wide power_of_two(const Wide& shifted) {
  return each_lane([&](std::size_t k) { return power_of_two(shifted.lane[k]); });
}
EDGECV_INLINE std::uint32_t lanes_above(const Wide& values, const Wide& limits) {
  std::uint32_t bits = 0;
  for (std::size_t k = 0; k < wide_lanes; ++k) {
    bits |= static_cast<std::uint32_t>(values.lane[k] > limits.lane[k]) << k;
  }
  return bits;
}

#endif

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

EDGECV_INLINE bool any_above(const Wide& values, const Wide& limits) {
  return lanes_above(values, limits) != 0;
}

/// The value in each lane; a float is a vector of one.
template <typename Value>
EDGECV_INLINE Value splat(float value);
template <>
EDGECV_INLINE float splat<float>(float value) {
  return value;
}
template <>
EDGECV_INLINE Wide splat<Wide>(float value) {
#if defined(__GNUC__)
  return value - Wide{};
#else
  return each_lane([&](std::size_t) { return value; });
#endif
}

EDGECV_INLINE float larger(float a, float b) { return a > b ? a : b; }
EDGECV_INLINE float if_below(float x, float limit, float below, float otherwise) {
  return x < limit ? below : otherwise;
}
EDGECV_INLINE float power_of_two(float shifted) {
  std::uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 127u) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

EDGECV_INLINE Wide load_wide(const float* values) {
  Wide wide;
  std::memcpy(&wide, values, sizeof wide);
  return wide;
}

/// The first `count` values (at most 16 are read), the other lanes filled.
EDGECV_INLINE Wide load_wide(const float* values, std::size_t count, float fill) {
  if (count >= wide_lanes) return load_wide(values);
  float lane[wide_lanes];
  for (float& value : lane) value = fill;
  for (std::size_t k = 0; k < count; ++k) lane[k] = values[k];
  return load_wide(lane);
}

/// The first `count` of 16 values that may all be read, the other lanes filled.
EDGECV_INLINE Wide first_lanes(const float* values, std::size_t count, float fill) {
#if defined(__GNUC__)
  constexpr WideBits lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const Wide filling = fill - Wide{};
  return lane < static_cast<std::uint32_t>(count) ? load_wide(values) : filling;
#else
  return load_wide(values, count, fill);
#endif
}

EDGECV_INLINE void store_wide(float* values, Wide wide) { std::memcpy(values, &wide, sizeof wide); }

// Folded in halves; in registers where the compiler can say so, in the same order.
#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)

EDGECV_INLINE Wide upper_half(Wide v) {
  return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
}
EDGECV_INLINE Wide second_quarter(Wide v) {
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
}
EDGECV_INLINE Wide second_pair(Wide v) {
  return __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3);
}
EDGECV_INLINE Wide second_lane(Wide v) {
  return __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
}

EDGECV_INLINE float largest_lane(Wide wide) {
  wide = larger(wide, upper_half(wide));
  wide = larger(wide, second_quarter(wide));
  wide = larger(wide, second_pair(wide));
  return larger(wide, second_lane(wide))[0];
}

EDGECV_INLINE float sum_of_lanes(Wide wide) {
  wide += upper_half(wide);
  wide += second_quarter(wide);
  wide += second_pair(wide);
  return wide[0] + wide[1];
}

#else

EDGECV_INLINE float largest_lane(Wide wide) {
  float lane[wide_lanes];
  store_wide(lane, wide);
  for (std::size_t half = wide_lanes / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      lane[k] = lane[k] > lane[k + half] ? lane[k] : lane[k + half];
    }
  }
  return lane[0];
}

EDGECV_INLINE float sum_of_lanes(Wide wide) {
  float lane[wide_lanes];
  store_wide(lane, wide);
  for (std::size_t half = wide_lanes / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) lane[k] += lane[k + half];
  }
  return lane[0];
}

#endif

}  // namespace edgecv
