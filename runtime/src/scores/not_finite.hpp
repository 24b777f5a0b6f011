// The error for outputs that no result can be made from.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>

#include "edgecv/error.hpp"

namespace edgecv {

[[noreturn]] inline void not_finite(const std::string& output) {
  throw Error(ErrorCode::engine,
              "output \"" + output +
                  "\" of the network holds NaN or infinity: check the exported weights, and the "
                  "precision of the engine");
}

/// Of boxes as they are decoded, before they are clipped: finite values far from any network's
/// multiply to infinity.
inline void require_finite_boxes(const float* boxes, std::size_t count, const std::string& output) {
  float poison = 0;
  for (std::size_t i = 0; i < 4 * count; ++i) poison += boxes[i] * 0.f;
  if (!std::isnan(poison)) return;
  throw Error(ErrorCode::engine,
              "output \"" + output +
                  "\" of the network gives boxes that are not finite: check the exported weights, "
                  "the anchors and the precision of the engine");
}

}  // namespace edgecv
