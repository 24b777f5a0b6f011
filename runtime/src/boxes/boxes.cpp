#include "edgecv/boxes/boxes.hpp"

#include <algorithm>
#include <cmath>

namespace edgecv {
namespace {

void to_xyxy(const float* box, BoxFormat from, float* xyxy) {
  const float a = box[0], b = box[1], w = box[2], h = box[3];
  switch (from) {
    case BoxFormat::xyxy:
      std::copy(box, box + 4, xyxy);
      return;
    case BoxFormat::cxcywh:
      xyxy[0] = a - 0.5f * w, xyxy[1] = b - 0.5f * h;
      xyxy[2] = a + 0.5f * w, xyxy[3] = b + 0.5f * h;
      return;
    case BoxFormat::xywh:
      xyxy[0] = a, xyxy[1] = b, xyxy[2] = a + w, xyxy[3] = b + h;
      return;
  }
}

void from_xyxy(const float* xyxy, BoxFormat to, float* box) {
  const float x1 = xyxy[0], y1 = xyxy[1], x2 = xyxy[2], y2 = xyxy[3];
  switch (to) {
    case BoxFormat::xyxy:
      box[0] = x1, box[1] = y1, box[2] = x2, box[3] = y2;
      return;
    case BoxFormat::cxcywh:
      box[0] = (x1 + x2) / 2, box[1] = (y1 + y2) / 2, box[2] = x2 - x1, box[3] = y2 - y1;
      return;
    case BoxFormat::xywh:
      box[0] = x1, box[1] = y1, box[2] = x2 - x1, box[3] = y2 - y1;
      return;
  }
}

}  // namespace

void box_convert(const float* boxes, std::size_t count, BoxFormat from, BoxFormat to,
                 float* result) {
  if (from == to) {  // the way there and back would round
    if (boxes != result) std::copy_n(boxes, 4 * count, result);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    float xyxy[4] = {};
    to_xyxy(boxes + 4 * i, from, xyxy);
    from_xyxy(xyxy, to, result + 4 * i);
  }
}

void box_iou(const float* boxes1, std::size_t count1, const float* boxes2, std::size_t count2,
             float* result) {
  for (std::size_t i = 0; i < count1; ++i) {
    const float* a = boxes1 + 4 * i;
    const float area_a = (a[2] - a[0]) * (a[3] - a[1]);
    for (std::size_t j = 0; j < count2; ++j) {
      const float* b = boxes2 + 4 * j;
      const float area_b = (b[2] - b[0]) * (b[3] - b[1]);
      const float width = std::max(0.f, std::min(a[2], b[2]) - std::max(a[0], b[0]));
      const float height = std::max(0.f, std::min(a[3], b[3]) - std::max(a[1], b[1]));
      const float intersection = width * height;
      result[i * count2 + j] = intersection / (area_a + area_b - intersection);
    }
  }
}

void clip_boxes(const float* boxes, std::size_t count, float height, float width, float* result) {
  for (std::size_t i = 0; i < 4 * count; ++i) {
    result[i] = std::min(std::max(boxes[i], 0.f), i % 2 ? height : width);
  }
}

void encode_boxes(const float* boxes, const float* anchors, std::size_t count,
                  const BoxCoder& coder, float* deltas) {
  for (std::size_t i = 0; i < 4 * count; i += 4) {
    float box[4], anchor[4];  // cxcywh
    const auto centre = [](const float* xyxy, float* out) {
      out[2] = xyxy[2] - xyxy[0], out[3] = xyxy[3] - xyxy[1];
      out[0] = xyxy[0] + 0.5f * out[2], out[1] = xyxy[1] + 0.5f * out[3];
    };
    centre(boxes + i, box);
    centre(anchors + i, anchor);
    deltas[i + 0] = coder.weight_x * (box[0] - anchor[0]) / anchor[2];
    deltas[i + 1] = coder.weight_y * (box[1] - anchor[1]) / anchor[3];
    deltas[i + 2] = coder.weight_w * std::log(box[2] / anchor[2]);
    deltas[i + 3] = coder.weight_h * std::log(box[3] / anchor[3]);
  }
}

void decode_boxes(const float* deltas, const float* anchors, std::size_t count,
                  const BoxCoder& coder, float* boxes) {
  for (std::size_t i = 0; i < 4 * count; i += 4) {
    const float* anchor = anchors + i;
    const float width = anchor[2] - anchor[0], height = anchor[3] - anchor[1];
    const float x = deltas[i] / coder.weight_x * width + (anchor[0] + 0.5f * width);
    const float y = deltas[i + 1] / coder.weight_y * height + (anchor[1] + 0.5f * height);
    const float half_width =
        0.5f * (std::exp(std::min(deltas[i + 2] / coder.weight_w, coder.max_log_scale)) * width);
    const float half_height =
        0.5f * (std::exp(std::min(deltas[i + 3] / coder.weight_h, coder.max_log_scale)) * height);
    boxes[i] = x - half_width, boxes[i + 1] = y - half_height;
    boxes[i + 2] = x + half_width, boxes[i + 3] = y + half_height;
  }
}

}  // namespace edgecv
