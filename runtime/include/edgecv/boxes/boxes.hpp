// Arithmetic on boxes. A box is four floats, xyxy (x1, y1, x2, y2) unless said otherwise.
//
//   const float a[] = {0, 0, 10, 10}, b[] = {0, 0, 10, 5};
//   float iou;
//   edgecv::box_iou(a, 1, b, 1, &iou);  // 0.5
//   float centre[4];
//   edgecv::box_convert(a, 1, edgecv::BoxFormat::xyxy, edgecv::BoxFormat::cxcywh, centre);
#pragma once

#include <cstddef>

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

enum class BoxFormat { xyxy, cxcywh, xywh };

/// Whether a box encloses anything: not one without width or height, inside out, or NaN.
inline bool has_area(const float* xyxy) { return xyxy[2] > xyxy[0] && xyxy[3] > xyxy[1]; }

/// `count` boxes from one format to another; to the same one they stay as they are, bit for bit.
/// `boxes` and `result` may be the same memory.
EDGECV_API void box_convert(const float* boxes, std::size_t count, BoxFormat from, BoxFormat to,
                            float* result);

/// Intersection over union of each of `count1` boxes with each of `count2`: result[count1 *
/// count2], row-major. Two boxes without area have 0 / 0 = NaN, as torchvision.ops.box_iou gives
/// it.
EDGECV_API void box_iou(const float* boxes1, std::size_t count1, const float* boxes2,
                        std::size_t count2, float* result);

/// Clamps x to [0, width] and y to [0, height].
EDGECV_API void clip_boxes(const float* boxes, std::size_t count, float height, float width,
                           float* result);

/// How offsets relate boxes to anchors (Faster R-CNN, arXiv 1506.01497, section 3.1.2):
/// dx = wx (cx - cx_a) / w_a, dw = ww log(w / w_a), and the same for y and h.
struct BoxCoder {
  float weight_x = 10, weight_y = 10, weight_w = 5, weight_h = 5;
  float max_log_scale =
      4.135166556742356f;  // log(1000 / 16): dw and dh are cut there when decoding
};

EDGECV_API void encode_boxes(const float* boxes, const float* anchors, std::size_t count,
                             const BoxCoder& coder, float* deltas);
EDGECV_API void decode_boxes(const float* deltas, const float* anchors, std::size_t count,
                             const BoxCoder& coder, float* boxes);

}  // namespace edgecv
