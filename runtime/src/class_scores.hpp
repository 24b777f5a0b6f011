// Class scores of one anchor from its raw outputs, in loops that the compiler vectorises.
//
// Reductions are kept in `lanes` partial results, because without -ffast-math a compiler may not
// reorder them itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "clones.hpp"

namespace edgecv {

inline constexpr std::size_t lanes = 16;

/// exp to 2 units in the last place for x <= 0, 0 below -87 (Cephes' expf polynomial).
EDGECV_INLINE float exp_nonpositive(float x) {
  const float cut = x < -87.f ? -87.f : x;
  const float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = cut * 1.44269504088896341f + magic;
  const float n = shifted - magic;
  const float r = (cut - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  std::uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 127u) << 23;  // the low bits of `shifted` hold n
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return x < -87.f ? 0.f : p * power;
}

EDGECV_INLINE float sigmoid(float x) {
  const float e = exp_nonpositive(x < 0 ? x : -x);
  return (x >= 0 ? 1.f : e) / (1.f + e);
}

/// Largest of `count` values; adds to `poison` something that is NaN if one of them is NaN or
/// infinite.
EDGECV_INLINE float maximum(const float* values, std::size_t count, float* poison) {
  const float lowest = -std::numeric_limits<float>::infinity();
  float best = lowest;
  if (count < lanes) {
    for (std::size_t i = 0; i < count; ++i) {
      best = values[i] > best ? values[i] : best;
      poison[0] += values[i] * 0.f;
    }
    return best;
  }
  float partial[lanes];
  for (std::size_t k = 0; k < lanes; ++k) partial[k] = lowest;
  for (std::size_t i = 0; i < count; i += lanes) {
    // The last block overlaps the one before: no rest is left over.
    const float* block = values + (i + lanes <= count ? i : count - lanes);
    for (std::size_t k = 0; k < lanes; ++k) {
      partial[k] = block[k] > partial[k] ? block[k] : partial[k];
      poison[k] += block[k] * 0.f;
    }
  }
  for (std::size_t half = lanes / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      partial[k] = partial[k] > partial[k + half] ? partial[k] : partial[k + half];
    }
  }
  return partial[0];
}

/// Whether maximum() saw neither NaN nor infinity.
EDGECV_INLINE bool clean(const float (&poison)[lanes]) {
  float sum = 0;
  for (const float value : poison) sum += value;
  return sum == sum;
}

/// Writes exp(values - shift) and returns their sum.
EDGECV_INLINE float exponentials(const float* values, std::size_t count, float shift,
                                 float* result) {
  float partial[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::size_t k = 0; k < lanes; ++k) {
      result[i + k] = exp_nonpositive(values[i + k] - shift);
      partial[k] += result[i + k];
    }
  }
  if (i < count) {
    float rest[lanes];
    for (std::size_t k = 0; k < lanes; ++k)
      rest[k] = i + k < count ? values[i + k] - shift : -1e30f;
    for (std::size_t k = 0; k < lanes; ++k) {
      rest[k] = exp_nonpositive(rest[k]);
      partial[k] += rest[k];
    }
    std::memcpy(result + i, rest, (count - i) * sizeof(float));
  }
  for (std::size_t half = lanes / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) partial[k] += partial[k + half];
  }
  return partial[0];
}

}  // namespace edgecv
