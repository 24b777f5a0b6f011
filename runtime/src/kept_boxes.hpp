// The boxes that a suppression has kept so far, laid out so that one candidate is compared with
// many of them at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace edgecv {

class KeptBoxes {
 public:
  bool empty() const { return count_ == 0; }

  void add(const float* xyxy) {
    if (count_ % block == 0) {
      // Boxes without area or overlap fill up the block: their IoU with anything is 0 or NaN.
      const float nowhere = std::numeric_limits<float>::infinity();
      x1_.resize(count_ + block, nowhere), y1_.resize(count_ + block, nowhere);
      x2_.resize(count_ + block, -nowhere), y2_.resize(count_ + block, -nowhere);
      area_.resize(count_ + block, 0.f);
    }
    x1_[count_] = xyxy[0], y1_[count_] = xyxy[1], x2_[count_] = xyxy[2], y2_[count_] = xyxy[3];
    area_[count_] = (xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]);
    ++count_;
  }

  /// Whether the IoU with one of them is above the threshold. In float32, division and all, as
  /// torchvision's nms computes it: the same boxes are kept on ties.
  bool overlap(const float* xyxy, float iou_threshold) const {
    const float left = xyxy[0], top = xyxy[1], right = xyxy[2], bottom = xyxy[3];
    const float area = (right - left) * (bottom - top);
    for (std::size_t start = 0; start < count_; start += block) {
      const float *x1 = &x1_[start], *y1 = &y1_[start], *x2 = &x2_[start], *y2 = &y2_[start];
      const float* areas = &area_[start];
      int hits = 0;
      for (std::size_t k = 0; k < block; ++k) {
        const float inner_left = x1[k] > left ? x1[k] : left;
        const float inner_top = y1[k] > top ? y1[k] : top;
        const float inner_right = x2[k] < right ? x2[k] : right;
        const float inner_bottom = y2[k] < bottom ? y2[k] : bottom;
        float width = inner_right - inner_left, height = inner_bottom - inner_top;
        width = width > 0 ? width : 0.f;
        height = height > 0 ? height : 0.f;
        const float intersection = width * height;
        hits |= intersection / (areas[k] + area - intersection) > iou_threshold;
      }
      if (hits) return true;
    }
    return false;
  }

  /// The largest float not above a double: comparing a float with it gives what comparing with the
  /// double gives.
  static float as_float(double threshold) {
    const float rounded = static_cast<float>(threshold);
    return rounded > threshold ? std::nextafter(rounded, -std::numeric_limits<float>::infinity())
                               : rounded;
  }

 private:
  static constexpr std::size_t block = 8;
  std::size_t count_ = 0;
  std::vector<float> x1_, y1_, x2_, y2_, area_;
};

}  // namespace edgecv
