// NaN and infinity in what a network gives: no result can be made from them.
//
//   const float logits[] = {1, 2, 3};
//   require_finite(logits, 3, "logits");  // else Error (engine) that names the output
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "simd/level.hpp"

namespace edgecv {

bool all_finite(const float* values, std::size_t count);

/// Throws Error (engine): the output holds NaN or infinity. For loops that look at the values
/// themselves.
[[noreturn]] void not_finite(const std::string& output);

inline void require_finite(const float* values, std::size_t count, const std::string& output) {
  if (!all_finite(values, count)) not_finite(output);
}

/// One value without a branch, for loops that vectorise: 1 if it is NaN or infinite, else 0.
EDGECV_INLINE unsigned is_not_finite(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits & 0x7f800000u) == 0x7f800000u;
}

/// Throws Error (engine): the output gives boxes that are NaN or infinite.
[[noreturn]] void boxes_not_finite(const std::string& output);

/// Of boxes as they are decoded, before they are clipped: finite values far from any network's
/// multiply to infinity.
inline void require_finite_boxes(const float* boxes, std::size_t count, const std::string& output) {
  unsigned found = 0;
  for (std::size_t i = 0; i < 4 * count; ++i) found |= is_not_finite(boxes[i]);
  if (found) boxes_not_finite(output);
}

}  // namespace edgecv
