// Sixteen floats as one vector, compared with others and folded into one number. For files of
// kernels: see simd/each_level.hpp.
//
//   const float values[16] = {0.1f, 0.7f};
//   const Floats16 block = load<Floats16>(values);
//   if (any_above(block, splat<Floats16>(0.5f))) largest_lane(block);  // 0.7
#ifndef EDGECV_FLOATS16_HPP
#define EDGECV_FLOATS16_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "simd/vector.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

inline constexpr std::size_t lanes = 16;
using Floats16 = Floats<lanes>;

template <typename Value>
inline constexpr std::size_t lanes_of = sizeof(Value) / sizeof(float);

/// The upper half of a register of more than four lanes, or the lower one.
template <typename Value>
EDGECV_KERNEL_INLINE auto half_of(const Value& value, bool upper) {
  if constexpr (is_halves<Value>) {
    return upper ? value.high : value.low;
  } else {
    constexpr std::size_t count = lanes_of<Value> / 2;
    float lane[2 * count];
    store(lane, value);
    return load<Floats<count>>(lane + (upper ? count : 0));
  }
}

// Folded in halves: the order of a sum is that of every level.

template <typename Value>
EDGECV_KERNEL_INLINE float largest_lane(const Value& value) {
  if constexpr (std::is_same_v<Value, Floats<4>>) {
    float lane[4];
    store(lane, value);
    return larger(larger(lane[0], lane[2]), larger(lane[1], lane[3]));
  } else {
    return largest_lane(larger(half_of(value, false), half_of(value, true)));
  }
}

template <typename Value>
EDGECV_KERNEL_INLINE float sum_of_lanes(const Value& value) {
  if constexpr (std::is_same_v<Value, Floats<4>>) {
    float lane[4];
    store(lane, value);
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
  } else {
    return sum_of_lanes(half_of(value, false) + half_of(value, true));
  }
}

/// All lanes joined by or.
template <typename Bits>
EDGECV_KERNEL_INLINE std::uint32_t any_lane(const Bits& bits) {
  if constexpr (is_halves<Bits>) {
    return any_lane(bits.low) | any_lane(bits.high);
  } else {
    std::uint32_t lane[lanes_of<Bits>];
    store(lane, bits);
    std::uint32_t joined = 0;
    for (const std::uint32_t some : lane) joined |= some;
    return joined;
  }
}

/// In the lanes whose value is above its limit bit `first` + k, else 0.
template <typename Value>
EDGECV_KERNEL_INLINE auto own_bits(const Value& values, const Value& limits, std::size_t first) {
  using Bits = Vector<std::int32_t, lanes_of<Value>>;
  if constexpr (is_halves<Value>) {
    // Joined already here: the halves have different bits.
    return own_bits(values.low, limits.low, first) |
           own_bits(values.high, limits.high, first + lanes_of<Value> / 2);
  } else {
    static constexpr std::int32_t bit[lanes] = {1 << 0,  1 << 1,  1 << 2,  1 << 3, 1 << 4,  1 << 5,
                                                1 << 6,  1 << 7,  1 << 8,  1 << 9, 1 << 10, 1 << 11,
                                                1 << 12, 1 << 13, 1 << 14, 1 << 15};
    return values > limits ? load<Bits>(bit + first) : splat<Bits>(0);
  }
}

/// Bit k says whether lane k lies above its limit.
EDGECV_KERNEL_INLINE std::uint32_t lanes_above(const Floats16& values, const Floats16& limits) {
  return any_lane(own_bits(values, limits, 0));
}

EDGECV_KERNEL_INLINE bool any_above(const Floats16& values, const Floats16& limits) {
  return lanes_above(values, limits) != 0;
}

/// Position of the lowest bit that is set; of a number above 0.
EDGECV_KERNEL_INLINE std::size_t lowest_bit(std::uint32_t bits) {
#if defined(__GNUC__)
  return static_cast<std::size_t>(__builtin_ctz(bits));
#else
  std::size_t k = 0;
  while ((bits >> k & 1u) == 0) ++k;
  return k;
#endif
}

/// The first `count` values, all of which may be read, the other lanes filled.
EDGECV_KERNEL_INLINE Floats16 load_some(const float* values, std::size_t count, float fill) {
  if (count >= lanes) return load<Floats16>(values);
  float lane[lanes];
  for (float& value : lane) value = fill;
  for (std::size_t k = 0; k < count; ++k) lane[k] = values[k];
  return load<Floats16>(lane);
}

/// The first `count` of 16 values that may all be read, the other lanes filled.
template <typename Value = Floats16>
EDGECV_KERNEL_INLINE Value first_lanes(const float* values, std::size_t count, float fill,
                                       std::size_t first = 0) {
  if constexpr (is_halves<Value>) {
    using Half = typename Value::Half;
    return {first_lanes<Half>(values, count, fill, first),
            first_lanes<Half>(values, count, fill, first + Value::half_count)};
  } else {
    static constexpr float number[lanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return load<Value>(number + first) < splat<Value>(static_cast<float>(count))
               ? load<Value>(values + first)
               : splat<Value>(fill);
  }
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL

#endif
