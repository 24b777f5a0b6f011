// Boxes on their way from the network's input to the image.
//
//   const Geometry geometry{{100, 200}, {50, 100}, {100, 100}, 0, 25};  // letterboxed
//   float box[] = {0, 30, 20, 90}, result[4];
//   clip_to_resized(geometry, box);         // {0, 5, 20, 50}
//   scale_to_image(geometry, box, result);  // {0, 10, 40, 100}
#pragma once

#include "edgecv/boxes/boxes.hpp"
#include "edgecv/image/preprocess.hpp"

namespace edgecv {

/// From pixels of the network's input to those of the resized image, clipped to it.
inline void clip_to_resized(const Geometry& geometry, float* xyxy) {
  for (int k = 0; k < 4; ++k) {
    xyxy[k] -= static_cast<float>(k % 2 ? geometry.offset_y : geometry.offset_x);
  }
  clip_boxes(xyxy, 1, static_cast<float>(geometry.resized.height),
             static_cast<float>(geometry.resized.width), xyxy);
}

/// From pixels of the resized image to those of the image.
inline void scale_to_image(const Geometry& geometry, const float* resized, float* xyxy) {
  for (int k = 0; k < 4; ++k) {
    xyxy[k] = resized[k] * (k % 2 ? geometry.scale_y() : geometry.scale_x());
  }
}

}  // namespace edgecv
