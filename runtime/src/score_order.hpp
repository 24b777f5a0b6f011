// Sorting by score.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace edgecv {

/// Bits that rise as the float falls; NaN is not expected.
inline std::uint32_t falling_bits(float value) {
  value += 0.f;  // -0 sorts as 0
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits & 0x80000000u ? bits : ~bits & 0x7fffffffu;
}

/// Indices by falling score, equal scores by rising index: a radix sort, which is stable and
/// several times faster than comparing.
inline std::vector<std::uint32_t> by_falling_score(const float* scores, std::size_t count) {
  constexpr int digit_bits = 11, digits = 3;
  constexpr std::uint32_t buckets = 1u << digit_bits;
  std::vector<std::uint64_t> keys(count), sorted(count);
  std::vector<std::uint32_t> histogram(digits * buckets, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = falling_bits(scores[i]);
    keys[i] = static_cast<std::uint64_t>(bits) << 32 | i;
    for (int d = 0; d < digits; ++d) {
      ++histogram[d * buckets + (bits >> (d * digit_bits)) % buckets];
    }
  }
  for (int d = 0; d < digits; ++d) {
    std::uint32_t* starts = &histogram[d * buckets];
    std::uint32_t start = 0;
    for (std::uint32_t b = 0; b < buckets; ++b) {
      const std::uint32_t size = starts[b];
      starts[b] = start;
      start += size;
    }
    for (const std::uint64_t key : keys) {
      sorted[starts[(key >> (32 + d * digit_bits)) % buckets]++] = key;
    }
    keys.swap(sorted);
  }
  std::vector<std::uint32_t> order(count);
  std::transform(keys.begin(), keys.end(), order.begin(),
                 [](std::uint64_t key) { return static_cast<std::uint32_t>(key); });
  return order;
}

}  // namespace edgecv
