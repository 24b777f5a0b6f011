// Non-maximum suppression.
//
//   const float boxes[] = {0, 0, 10, 10, 0, 0, 10, 9, 20, 20, 30, 30}, scores[] = {0.9f, 0.8f,
//   0.7f}; edgecv::nms(boxes, scores, 3, 0.5);  // {0, 2}
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/export.hpp"

namespace edgecv {

/// Indices of the boxes kept, by falling score; of equal scores the lower index comes first. A box
/// goes when its IoU with a kept one is above the threshold. Gives torchvision.ops.nms's results.
EDGECV_API std::vector<std::int64_t> nms(const float* boxes, const float* scores, std::size_t count,
                                         double iou_threshold);

/// The same within each label: torchvision's _batched_nms_vanilla. Stops once `max_kept` are kept
/// (negative: no limit), which are then the best.
EDGECV_API std::vector<std::int64_t> batched_nms(const float* boxes, const float* scores,
                                                 const std::int64_t* labels, std::size_t count,
                                                 double iou_threshold, std::int64_t max_kept = -1);

}  // namespace edgecv
