// Ground truth assigned to anchors, for training.
//
//   const float anchors[] = {0, 0, 10, 10, 20, 20, 30, 30}, boxes[] = {1, 1, 10, 10};
//   edgecv::assign_anchors(anchors, 2, boxes, 1);  // {0, -1}
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/export.hpp"

namespace edgecv {

/// For each anchor the index of its box, or -1. First each box gets an anchor of its own, greedily
/// by the largest IoU left; then every other anchor takes the box it overlaps most if that IoU
/// reaches the threshold. Ties go to the lower anchor, then the lower box.
EDGECV_API std::vector<std::int64_t> assign_anchors(const float* anchors, std::size_t anchor_count,
                                                    const float* boxes, std::size_t box_count,
                                                    float iou_threshold = 0.5f);

}  // namespace edgecv
