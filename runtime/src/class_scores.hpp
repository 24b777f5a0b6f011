// Reductions and exponentials over the class logits of one anchor, on vectors of 16 floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "clones.hpp"
#include "wide.hpp"

namespace edgecv {

inline constexpr std::size_t lanes = wide_lanes;

/// exp to 2 units in the last place for x <= 0, 0 below -87 (Cephes' expf polynomial).
EDGECV_INLINE Wide exp_nonpositive(Wide x) {
  const Wide cut = larger(x, broadcast(-87.f));
  const Wide magic = broadcast(12582912.f);  // 1.5 * 2^23: adding it rounds to an integer
  const Wide shifted = cut * broadcast(1.44269504088896341f) + magic;
  const Wide n = shifted - magic;
  const Wide r = (cut - n * broadcast(0.693359375f)) - n * broadcast(-2.12194440e-4f);
  Wide p = broadcast(1.9875691500e-4f);
  p = p * r + broadcast(1.3981999507e-3f);
  p = p * r + broadcast(8.3334519073e-3f);
  p = p * r + broadcast(4.1665795894e-2f);
  p = p * r + broadcast(1.6666665459e-1f);
  p = p * r + broadcast(5.0000001201e-1f);
  p = p * r * r + r + broadcast(1.f);
  return if_below(x, -87.f, broadcast(0.f), p * power_of_two(shifted));
}

EDGECV_INLINE float exp_nonpositive(float x) {
  float result[lanes];
  store_wide(result, exp_nonpositive(broadcast(x)));
  return result[0];
}

/// Largest of `count` > 0 values; adds to the 16 floats of `poison` something that is NaN if one of
/// the values is NaN or infinite.
EDGECV_INLINE float maximum(const float* values, std::size_t count, float* poison) {
  Wide best = load_wide(values, count, values[0]);
  Wide poisoned = load_wide(poison) + best * broadcast(0.f);
  for (std::size_t i = lanes; i < count; i += lanes) {
    // The last block overlaps the one before: no rest is left over.
    const Wide block = load_wide(values + (i + lanes <= count ? i : count - lanes));
    best = larger(block, best);
    poisoned += block * broadcast(0.f);
  }
  store_wide(poison, poisoned);
  return largest_lane(best);
}

/// Writes exp(values - shift), `shift` being at least the largest value, and returns their sum.
EDGECV_INLINE float exponentials(const float* values, std::size_t count, float shift,
                                 float* result) {
  Wide sum = broadcast(0.f);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const Wide block = exp_nonpositive(load_wide(values + i) - broadcast(shift));
    store_wide(result + i, block);
    sum += block;
  }
  if (i < count) {
    const float vanishing = -std::numeric_limits<float>::max();
    const Wide rest =
        exp_nonpositive(load_wide(values + i, count - i, vanishing) - broadcast(shift));
    float lane[lanes];
    store_wide(lane, rest);
    std::memcpy(result + i, lane, (count - i) * sizeof(float));
    sum += rest;
  }
  return sum_of_lanes(sum);
}

}  // namespace edgecv
