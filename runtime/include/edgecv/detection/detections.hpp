// What a detector found on one picture.
#pragma once

#include <cstdint>
#include <vector>

namespace edgecv {

/// Sorted by falling score.
struct Detections {
  std::vector<float> boxes;          // [N, 4] xyxy in pixels of the picture
  std::vector<float> scores;         // [N], 0..1
  std::vector<std::int64_t> labels;  // [N], indices of the bundle's labels; background is none
};

}  // namespace edgecv
