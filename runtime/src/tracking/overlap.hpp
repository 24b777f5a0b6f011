// Boxes of tracks, and how much they overlap.
#pragma once

#include <algorithm>
#include <array>

namespace edgecv {

using TrackBox = std::array<double, 4>;  // xyxy in pixels

/// Intersection over union, 0 where they share nothing; unlike box_iou() never NaN.
inline double overlap(const TrackBox& a, const TrackBox& b) {
  const double width = std::min(a[2], b[2]) - std::max(a[0], b[0]);
  const double height = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  if (!(width > 0) || !(height > 0)) return 0;
  const double shared = width * height;
  return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared);
}

}  // namespace edgecv
