// float32 to float16.
#pragma once

#include <cstdint>
#include <cstring>

#include "simd/level.hpp"

namespace edgecv {

/// The bits of the nearest IEEE 754 binary16, ties to even; too large becomes infinity. Written
/// without branches so that loops over it vectorise.
EDGECV_INLINE std::uint16_t half_bits(float value) {
  constexpr std::uint32_t smallest_normal = 113u << 23;  // 2^-14
  constexpr std::uint32_t infinity = 255u << 23;
  constexpr std::uint32_t too_large = 143u << 23;  // 2^16

  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;

  const std::uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;

  // Next to 0.5 a float32 has the spacing of float16's subnormals, 2^-24: the addition rounds.
  const std::uint32_t small_magnitude = magnitude < smallest_normal ? magnitude : 0u;
  float small;
  std::memcpy(&small, &small_magnitude, sizeof small);
  small += 0.5f;
  std::uint32_t subnormal;
  std::memcpy(&subnormal, &small, sizeof subnormal);
  subnormal -= 126u << 23;

  std::uint32_t result = magnitude < smallest_normal ? subnormal : normal;
  result = magnitude >= too_large ? 0x7c00u : result;
  result = magnitude > infinity ? 0x7e00u : result;
  return static_cast<std::uint16_t>(sign | result);
}

}  // namespace edgecv
