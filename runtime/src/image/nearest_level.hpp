// A float as one of 256 levels.
#pragma once

#include <cstdint>
#include <cstring>

#include "simd/level.hpp"

namespace edgecv {

/// Rounded to nearest, ties to even, saturated: next to 1.5 * 2^23 a float32 has the spacing 1, so
/// the addition rounds and leaves the integer in the low bits. NaN becomes 0.
EDGECV_INLINE std::uint8_t nearest_level(float value) {
  value = value > 0.0f ? value : 0.0f;
  value = (value < 255.0f ? value : 255.0f) + 12582912.0f;
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<std::uint8_t>(bits);
}

}  // namespace edgecv
