// The boxes that a suppression has kept so far, laid out so that one candidate is compared with
// many of them at once.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "threads/recycled.hpp"

namespace edgecv {

class KeptBoxes {
 public:
  bool empty() const { return count_ == 0; }

  void clear() {
    blocks_.clear();
    count_ = 0;
  }

  void add(const float* xyxy);

  /// Adds the box unless it overlaps with one of them; says whether it was added.
  bool keep(const float* xyxy, float iou_threshold) {
    if (overlap(xyxy, iou_threshold)) return false;
    add(xyxy);
    return true;
  }

  /// Whether the IoU with one of them is above the threshold. In float32, division and all, as
  /// torchvision's nms computes it: the same boxes are kept on ties.
  bool overlap(const float* xyxy, float iou_threshold) const;

  /// The largest float not above a double: comparing a float with it gives what comparing with the
  /// double gives.
  static float as_float(double threshold) {
    const float rounded = static_cast<float>(threshold);
    return rounded > threshold ? std::nextafter(rounded, -std::numeric_limits<float>::infinity())
                               : rounded;
  }

  static constexpr std::size_t block_size = 16;
  struct Block {
    float x1[block_size], y1[block_size], x2[block_size], y2[block_size], area[block_size];
  };

 private:
  std::size_t count_ = 0;
  Recycled<Block> blocks_;
};

}  // namespace edgecv
