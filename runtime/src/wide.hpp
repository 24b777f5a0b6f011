// Sixteen floats as one vector: the compiler cuts it to the registers of the machine it compiles
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "clones.hpp"

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
EDGECV_INLINE bool any_above(Wide values, Wide limits) {
  const auto hits = values > limits;
  std::int64_t parts[8];
  std::memcpy(parts, &hits, sizeof parts);
  return (parts[0] | parts[1] | parts[2] | parts[3] | parts[4] | parts[5] | parts[6] | parts[7]) !=
         0;
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
EDGECV_INLINE bool any_above(const Wide& values, const Wide& limits) {
  bool any = false;
  for (std::size_t k = 0; k < wide_lanes; ++k) any |= values.lane[k] > limits.lane[k];
  return any;
}

#endif

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

EDGECV_INLINE void store_wide(float* values, Wide wide) { std::memcpy(values, &wide, sizeof wide); }

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

}  // namespace edgecv
