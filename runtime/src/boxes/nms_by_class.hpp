// Non-maximum suppression within each class, one box at a time from the best score down.
//
//   ClassSuppression suppression(2, 0.5);  // two classes
//   const float box[] = {0, 0, 10, 10};
//   suppression.keep(1, box);  // true
//   suppression.keep(1, box);  // false: it overlaps with one that was kept
//   suppression.keep(0, box);  // true
#pragma once

#include <cstddef>

#include "boxes/nms_kept_boxes.hpp"
#include "threads/recycled.hpp"

namespace edgecv {

class ClassSuppression {
 public:
  ClassSuppression(std::size_t classes, double iou_threshold)
      : kept_(classes), iou_threshold_(KeptBoxes::as_float(iou_threshold)) {}

  /// False if the IoU with a box of the same class that was kept before is above the threshold;
  /// else the box is kept.
  bool keep(std::size_t label, const float* xyxy) {
    return kept_[label].keep(xyxy, iou_threshold_);
  }

 private:
  Recycled<KeptBoxes> kept_;  // of each class
  float iou_threshold_;
};

}  // namespace edgecv
