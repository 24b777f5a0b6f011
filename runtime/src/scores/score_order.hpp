// Sorting by score.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "threads/recycled.hpp"

namespace edgecv {

/// Bits that rise as the float falls; NaN is not expected.
inline std::uint32_t falling_bits(float value) {
  value += 0.f;  // -0 sorts as 0
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits & 0x80000000u ? bits : ~bits & 0x7fffffffu;
}

/// A score and an index as one number: numbers rise as scores fall, and with the index where scores
/// are equal.
inline std::uint64_t score_key(float score, std::uint32_t index) {
  return static_cast<std::uint64_t>(falling_bits(score)) << 32 | index;
}
inline std::uint32_t index_of(std::uint64_t key) { return static_cast<std::uint32_t>(key); }
inline float score_of(std::uint64_t key) {
  const std::uint32_t falling = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t bits = falling & 0x80000000u ? falling : ~falling & 0x7fffffffu;
  float score;
  std::memcpy(&score, &bits, sizeof score);
  return score;
}

/// Sorts keys by score alone: a radix sort, which is stable and several times faster than
/// comparing. `spare` is scratch memory.
template <typename Keys>
void sort_by_score(Keys& keys, Keys& spare) {
  constexpr int digit_bits = 11, digits = 3;
  constexpr std::uint32_t buckets = 1u << digit_bits;
  Recycled<std::uint32_t> histogram(digits * buckets, 0);
  for (const std::uint64_t key : keys) {
    for (int d = 0; d < digits; ++d) {
      ++histogram[d * buckets + (key >> (32 + d * digit_bits)) % buckets];
    }
  }
  spare.resize(keys.size());
  for (int d = 0; d < digits; ++d) {
    std::uint32_t* starts = &histogram[d * buckets];
    std::uint32_t start = 0;
    for (std::uint32_t b = 0; b < buckets; ++b) {
      const std::uint32_t size = starts[b];
      starts[b] = start;
      start += size;
    }
    for (const std::uint64_t key : keys) {
      spare[starts[(key >> (32 + d * digit_bits)) % buckets]++] = key;
    }
    keys.swap(spare);
  }
}

/// Indices by falling score, equal scores by rising index.
inline Recycled<std::uint32_t> by_falling_score(const float* scores, std::size_t count) {
  Recycled<std::uint64_t> keys(count), spare;
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = score_key(scores[i], static_cast<std::uint32_t>(i));
  }
  sort_by_score(keys, spare);
  Recycled<std::uint32_t> order(count);
  std::transform(keys.begin(), keys.end(), order.begin(), index_of);
  return order;
}

}  // namespace edgecv
