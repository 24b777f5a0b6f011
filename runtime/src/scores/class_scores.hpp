// Reductions and exponentials over the class logits of one anchor, on vectors of 16 floats. For
// files of kernels: see simd/each_level.hpp.
#ifndef EDGECV_CLASS_SCORES_HPP
#define EDGECV_CLASS_SCORES_HPP

#include <cstddef>
#include <limits>

#include "simd/floats16.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

/// exp to 2 units in the last place for x <= 0, 0 below -87 (Cephes' expf polynomial). Of a float
/// or of a vector.
template <typename Value>
EDGECV_KERNEL_INLINE Value exp_nonpositive(Value x) {
  const Value cut = larger(x, splat<Value>(-87.f));
  const Value magic = splat<Value>(12582912.f);  // 1.5 * 2^23: adding it rounds to an integer
  const Value shifted = cut * splat<Value>(1.44269504088896341f) + magic;
  const Value n = shifted - magic;
  const Value r = (cut - n * splat<Value>(0.693359375f)) - n * splat<Value>(-2.12194440e-4f);
  Value p = splat<Value>(1.9875691500e-4f);
  p = p * r + splat<Value>(1.3981999507e-3f);
  p = p * r + splat<Value>(8.3334519073e-3f);
  p = p * r + splat<Value>(4.1665795894e-2f);
  p = p * r + splat<Value>(1.6666665459e-1f);
  p = p * r + splat<Value>(5.0000001201e-1f);
  p = p * r * r + r + splat<Value>(1.f);
  return if_below(x, -87.f, splat<Value>(0.f), p * power_of_two(shifted));
}

template <typename Value>
EDGECV_KERNEL_INLINE Value sigmoid(Value x) {
  const Value one = splat<Value>(1.f);
  const Value e = exp_nonpositive(splat<Value>(0.f) - larger(x, splat<Value>(0.f) - x));
  return if_below(x, 0.f, e, one) / (one + e);
}

/// Largest of `count` > 0 values; adds to the 16 floats of `poison` something that is NaN if one of
/// the values is NaN or infinite.
EDGECV_KERNEL_INLINE float maximum(const float* values, std::size_t count, float* poison) {
  Floats16 best = load_some(values, count, values[0]);
  Floats16 poisoned = load<Floats16>(poison) + best * splat<Floats16>(0.f);
  for (std::size_t i = lanes; i < count; i += lanes) {
    // The last block overlaps the one before: no rest is left over.
    const Floats16 block = load<Floats16>(values + (i + lanes <= count ? i : count - lanes));
    best = larger(block, best);
    poisoned += block * splat<Floats16>(0.f);
  }
  store(poison, poisoned);
  return largest_lane(best);
}

/// Whether maximum() saw neither NaN nor infinity.
EDGECV_KERNEL_INLINE bool clean(const float (&poison)[lanes]) {
  float sum = 0;
  for (const float value : poison) sum += value;
  return sum == sum;
}

/// Writes exp(values - shift), `shift` being at least the largest value, and returns their sum.
/// `readable` values may be read (at least `count`): with 15 behind the last one it is faster.
/// `result` has room for `count` + 15.
EDGECV_KERNEL_INLINE float exponentials(const float* values, std::size_t count,
                                        std::size_t readable, float shift, float* result) {
  Floats16 sum = splat<Floats16>(0.f);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const Floats16 block = exp_nonpositive(load<Floats16>(values + i) - splat<Floats16>(shift));
    store(result + i, block);
    sum += block;
  }
  if (i < count) {
    const float vanishing = -std::numeric_limits<float>::max();
    const Floats16 rest = i + lanes <= readable ? first_lanes(values + i, count - i, vanishing)
                                                : load_some(values + i, count - i, vanishing);
    const Floats16 block = exp_nonpositive(rest - splat<Floats16>(shift));
    store(result + i, block);
    sum += block;
  }
  return sum_of_lanes(sum);
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL

#endif
