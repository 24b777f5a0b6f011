#include "edgecv/detection/box_head.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "boxes/nms_by_class.hpp"
#include "scores/finite.hpp"
#include "scores/logit_margin.hpp"
#include "scores/score_order.hpp"
#include "threads/recycled.hpp"

#define EDGECV_KERNELS "detection/box_head_kernels.hpp"
#include "simd/each_level.hpp"

namespace edgecv {
namespace {

constexpr int rows_per_piece = 64;
constexpr std::size_t lanes = base::lanes;

/// Thresholds in whole vectors; nothing passes those of the lanes that are no class.
Recycled<float> in_vectors(Recycled<float> thresholds) {
  thresholds.resize((thresholds.size() + lanes - 1) / lanes * lanes,
                    std::numeric_limits<float>::infinity());
  return thresholds;
}

/// Writes the keys of all scores above their thresholds to the front of `keys`, in rising order of
/// their indices, and returns how many there are.
std::size_t find_passing(const BoxHeadSpec& spec, const float* logits, std::size_t count,
                         std::size_t classes, const Recycled<float>& thresholds, Executor& pool,
                         std::vector<std::uint64_t>& keys) {
  const float margin = logit_margin(*std::min_element(thresholds.begin(), thresholds.end()));
  const Recycled<float> limits = in_vectors(thresholds);
  // Every piece writes to its own part, and the parts are joined.
  if (keys.size() < count * classes) keys.resize(count * classes);
  Recycled<std::size_t> passing((count + rows_per_piece - 1) / rows_per_piece);
  pool.parallel_for(static_cast<int>(count), rows_per_piece, [&](int begin, int end) {
    thread_local std::vector<float> scores;
    scores.resize(classes + 1 + 2 * lanes);
    std::uint64_t* const part = keys.data() + begin * classes;
    const std::uint64_t* const part_end = EDGECV_BEST_LEVEL(append_passing)(
        logits, begin, end, classes, margin, limits.data(), scores.data(), part);
    if (part_end == nullptr) not_finite(spec.logits_output);
    passing[begin / rows_per_piece] = part_end - part;
  });
  std::size_t joined = 0;
  for (std::size_t piece = 0; piece < passing.size(); ++piece) {
    const auto part = keys.begin() + piece * rows_per_piece * classes;
    std::copy(part, part + passing[piece], keys.begin() + joined);
    joined += passing[piece];
  }
  return joined;
}

/// The box of one class from one proposal, clipped to the image, in pixels of the network's
/// input.
void decode(const BoxHeadSpec& spec, const float* deltas, const float* proposal,
            const Geometry& geometry, float* xyxy) {
  require_finite(deltas, 4, spec.deltas_output);
  decode_boxes(deltas, proposal, 1, spec.coder, xyxy);
  require_finite_boxes(xyxy, 1, spec.deltas_output);
  for (int k = 0; k < 4; ++k) {
    const int low = k % 2 ? geometry.offset_y : geometry.offset_x;
    const int high = low + (k % 2 ? geometry.resized.height : geometry.resized.width);
    xyxy[k] = std::min(std::max(xyxy[k], static_cast<float>(low)), static_cast<float>(high));
  }
}

/// A coordinate (x, or y if `vertical`) from the network's input to the image.
float in_image(const Geometry& geometry, float value, bool vertical) {
  return vertical ? (value - static_cast<float>(geometry.offset_y)) * geometry.scale_y()
                  : (value - static_cast<float>(geometry.offset_x)) * geometry.scale_x();
}

bool has_area_in_image(const float* box, const Geometry& geometry) {
  float xyxy[4];
  for (int k = 0; k < 4; ++k) xyxy[k] = in_image(geometry, box[k], k % 2);
  return has_area(xyxy);
}

}  // namespace

Detections box_head_detections(const BoxHeadSpec& spec, const float* logits, const float* deltas,
                               const float* proposals, std::size_t count, int class_count,
                               const Geometry& geometry, const std::vector<float>& thresholds,
                               Executor& pool, Detections kept) {
  thread_local std::vector<std::uint64_t> keys;  // kept from call to call, as fresh pages cost
  const std::size_t classes = static_cast<std::size_t>(class_count);
  Recycled<float> per_class(thresholds.begin(), thresholds.end());
  if (per_class.empty()) per_class.assign(classes, spec.score_threshold);
  const std::size_t passing = find_passing(spec, logits, count, classes, per_class, pool, keys);

  // From the best score down, a slice at a time, until enough boxes are kept; the result does not
  // depend on how the slices are cut. Equal scores: by proposal, then class.
  kept.clear();
  ClassSuppression suppression(classes, spec.iou_threshold);
  const std::size_t wanted = static_cast<std::size_t>(std::max(spec.max_detections, 0));
  std::size_t slice = std::max<std::size_t>(256, 4 * wanted);
  for (std::size_t begin = 0; begin < passing; slice *= 4) {
    const std::size_t end = std::min(passing, begin + slice);
    if (end < passing) {
      std::nth_element(keys.begin() + begin, keys.begin() + end, keys.begin() + passing);
    }
    std::sort(keys.begin() + begin, keys.begin() + end);
    for (; begin < end; ++begin) {
      if (kept.scores.size() == wanted) return kept;
      const std::size_t proposal = index_of(keys[begin]) / classes;
      const std::size_t label = index_of(keys[begin]) % classes;
      float box[4];
      decode(spec, deltas + 4 * (proposal * (classes + 1) + label + 1), proposals + 4 * proposal,
             geometry, box);
      if (box[2] - box[0] < spec.min_size || box[3] - box[1] < spec.min_size) continue;
      if (!has_area_in_image(box, geometry) || !suppression.keep(label, box)) continue;
      kept.boxes.insert(kept.boxes.end(), box, box + 4);
      kept.scores.push_back(score_of(keys[begin]));
      kept.labels.push_back(static_cast<std::int64_t>(label));
    }
  }
  return kept;
}

void boxes_to_image(const Geometry& geometry, std::vector<float>& boxes) {
  for (std::size_t i = 0; i < boxes.size(); ++i) boxes[i] = in_image(geometry, boxes[i], i % 2);
}

std::vector<std::int32_t> assign_levels(const LevelSpec& spec, const float* boxes,
                                        std::size_t count) {
  std::vector<std::int32_t> levels(count);
  assign_levels(spec, boxes, count, levels.data());
  return levels;
}

void assign_levels(const LevelSpec& spec, const float* boxes, std::size_t count,
                   std::int32_t* levels) {
  const float finest = -std::log2(spec.scales.front());
  // By scale, not by number: MobileNet's two feature maps share one, and torchvision pools from the
  // first alone.
  const float last = std::log2(spec.scales.front() / spec.scales.back());
  for (std::size_t i = 0; i < count; ++i) {
    const float* box = boxes + 4 * i;
    const float side = std::sqrt((box[2] - box[0]) * (box[3] - box[1]));
    const float level = std::floor(static_cast<float>(spec.canonical_level) +
                                   std::log2(side / spec.canonical_scale) + 1e-6f) -
                        finest;
    // Written so that NaN, of a box turned inside out, gives the finest level.
    levels[i] = level > 0 ? static_cast<std::int32_t>(std::min(level, last)) : 0;
  }
}

}  // namespace edgecv
