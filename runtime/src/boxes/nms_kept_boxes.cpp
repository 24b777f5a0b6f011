#include "boxes/nms_kept_boxes.hpp"

#include <algorithm>

#include "simd/clones.hpp"

namespace edgecv {
namespace {

/// A block of boxes without area or overlap: their IoU with anything is 0 or NaN.
KeptBoxes::Block nowhere() {
  const float infinity = std::numeric_limits<float>::infinity();
  KeptBoxes::Block block{};
  std::fill(std::begin(block.x1), std::end(block.x1), infinity);
  std::fill(std::begin(block.y1), std::end(block.y1), infinity);
  std::fill(std::begin(block.x2), std::end(block.x2), -infinity);
  std::fill(std::begin(block.y2), std::end(block.y2), -infinity);
  return block;
}

/// Never negative: one negative side must not make a product of two.
EDGECV_INLINE float intersection(const KeptBoxes::Block& block, std::size_t k, const float* xyxy) {
  const float left = block.x1[k] > xyxy[0] ? block.x1[k] : xyxy[0];
  const float top = block.y1[k] > xyxy[1] ? block.y1[k] : xyxy[1];
  const float right = block.x2[k] < xyxy[2] ? block.x2[k] : xyxy[2];
  const float bottom = block.y2[k] < xyxy[3] ? block.y2[k] : xyxy[3];
  const float width = right - left, height = bottom - top;
  return (width > 0 ? width : 0.f) * (height > 0 ? height : 0.f);
}

/// IoU > t means intersection * (1 + t) / t > the sum of both areas, but for rounding. Hence a
/// block is tested without division first, with a little slack; few blocks need the test proper.
EDGECV_INLINE bool any_overlap_once(const KeptBoxes::Block* blocks, std::size_t count,
                                    const float* box, float iou_threshold) {
  const float xyxy[4] = {box[0], box[1], box[2], box[3]};
  const float area = (xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]);
  const float factor = (1 + iou_threshold) / iou_threshold * 1.00001f;
  const int always = !(iou_threshold > 0);  // the factor holds for positive thresholds only
  for (std::size_t i = 0; i < count; ++i) {
    const KeptBoxes::Block& block = blocks[i];
    int near = always;
    for (std::size_t k = 0; k < KeptBoxes::block_size; ++k) {
      near |= intersection(block, k, xyxy) * factor >= block.area[k] + area;
    }
    if (!near) continue;
    int hits = 0;
    for (std::size_t k = 0; k < KeptBoxes::block_size; ++k) {
      const float inner = intersection(block, k, xyxy);
      hits |= inner / (block.area[k] + area - inner) > iou_threshold;
    }
    if (hits) return true;
  }
  return false;
}
constexpr auto any_overlap = clones<any_overlap_once>;

}  // namespace

void KeptBoxes::add(const float* xyxy) {
  const std::size_t k = count_ % block_size;
  if (k == 0) {
    static const Block empty = nowhere();
    blocks_.push_back(empty);
  }
  Block& block = blocks_.back();
  block.x1[k] = xyxy[0], block.y1[k] = xyxy[1], block.x2[k] = xyxy[2], block.y2[k] = xyxy[3];
  block.area[k] = (xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]);
  ++count_;
}

bool KeptBoxes::overlap(const float* xyxy, float iou_threshold) const {
  return !blocks_.empty() && any_overlap(blocks_.data(), blocks_.size(), xyxy, iou_threshold);
}

}  // namespace edgecv
