// What a detector found on one image.
//
//   const edgecv::Detections found{{10, 10, 50, 80}, {0.9f}, {2}};
//   for (std::size_t i = 0; i < found.scores.size(); ++i) {
//     const float* box = &found.boxes[4 * i];  // x1, y1, x2, y2
//     std::printf("label %d at %g, %g\n", static_cast<int>(found.labels[i]), box[0], box[1]);
//   }
#pragma once

#include <cstdint>
#include <vector>

namespace edgecv {

/// Sorted by falling score.
struct Detections {
  std::vector<float> boxes;          // [N, 4] xyxy in pixels of the image
  std::vector<float> scores;         // [N], 0..1
  std::vector<std::int64_t> labels;  // [N], indices of the bundle's labels; background is none
};

}  // namespace edgecv
