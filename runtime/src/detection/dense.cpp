#include "edgecv/detection/dense.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "boxes/nms_by_class.hpp"
#include "detection/image_boxes.hpp"
#include "scores/finite.hpp"
#include "scores/logit_margin.hpp"
#include "scores/score_order.hpp"
#include "threads/recycled.hpp"

#define EDGECV_KERNELS "detection/dense_kernels.hpp"
#include "simd/each_level.hpp"

namespace edgecv {
namespace {

constexpr int anchors_per_piece = 512;

/// An anchor's score for one class. Candidates are ordered by falling score, then anchor, then
/// label.
struct Candidate {
  std::uint64_t key;  // score_key of the score and the anchor
  std::uint32_t label;
};

bool operator<(const Candidate& a, const Candidate& b) {
  return a.key != b.key ? a.key < b.key : a.label < b.label;
}

/// Keeps the best `count`, in no order.
template <typename Candidates>
void keep_best(Candidates& candidates, std::size_t count) {
  if (candidates.size() <= count) return;
  std::nth_element(candidates.begin(), candidates.begin() + count, candidates.end());
  candidates.resize(count);
}

/// What the scores of one level are compared with.
struct Limits {
  const Recycled<float>& per_class;
  float logit;  // no score passes in a row whose best logit is not above it
};

Limits limits(const Recycled<float>& per_class, bool with_centerness) {
  // With a centerness c the score is sqrt(sigmoid(x) * c) with c <= 1, so sigmoid(x) > t * t.
  const float lowest = *std::min_element(per_class.begin(), per_class.end());
  return {per_class, logit_margin(with_centerness ? lowest * lowest : lowest)};
}

/// One level's outputs for one image.
struct Level {
  const float* logits;      // [anchors, classes]
  const float* boxes;       // [anchors, 4]
  const float* centerness;  // [anchors], or null
  std::size_t anchors;
};

/// The topk_candidates best of the level that are above their class's threshold, in no order.
Recycled<Candidate> level_candidates(const DenseSpec& spec, const Level& level, std::size_t classes,
                                     const Limits& limits, Executor& pool) {
  const auto topk = static_cast<std::size_t>(spec.topk_candidates);
  const std::size_t pieces = (level.anchors + anchors_per_piece - 1) / anchors_per_piece;
  // Kept from call to call: the pieces grow on several threads.
  thread_local std::vector<std::vector<Candidate>> buffers;
  if (buffers.size() < pieces) buffers.resize(pieces);
  std::vector<std::vector<Candidate>>& found = buffers;
  pool.parallel_for(static_cast<int>(level.anchors), anchors_per_piece, [&](int first, int last) {
    const auto begin = static_cast<std::size_t>(first), end = static_cast<std::size_t>(last);
    thread_local std::vector<std::uint32_t> rows;
    thread_local std::vector<float> scores;
    rows.clear();
    scores.resize(classes);
    if (!EDGECV_BEST_LEVEL(promising_rows)(level.logits, classes, begin, end, limits.logit, rows)) {
      not_finite(spec.logits_output);
    }
    require_finite(level.boxes + 4 * begin, 4 * (end - begin), spec.boxes_output);
    if (level.centerness) {
      require_finite(level.centerness + begin, end - begin, spec.centerness_output);
    }
    std::vector<Candidate>& candidates = found[begin / anchors_per_piece];
    candidates.clear();
    for (const std::uint32_t a : rows) {
      EDGECV_BEST_LEVEL(row_scores)
      (level.logits + a * classes, level.centerness ? level.centerness + a : nullptr, classes,
       scores.data());
      for (std::size_t c = 0; c < classes; ++c) {
        if (scores[c] > limits.per_class[c]) {
          candidates.push_back({score_key(scores[c], a), static_cast<std::uint32_t>(c)});
        }
      }
    }
    keep_best(candidates, topk);
  });
  Recycled<Candidate> candidates;
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    candidates.insert(candidates.end(), found[piece].begin(), found[piece].end());
  }
  keep_best(candidates, topk);
  return candidates;
}

/// torchvision's BoxLinearCoder(normalize_by_size=True).decode: xyxy from the distances of the
/// sides from the anchor's centre.
void decode_distances(const float* distances, const float* anchor, float* xyxy) {
  const float width = anchor[2] - anchor[0], height = anchor[3] - anchor[1];
  const float x = 0.5f * (anchor[0] + anchor[2]), y = 0.5f * (anchor[1] + anchor[3]);
  xyxy[0] = x - distances[0] * width;
  xyxy[1] = y - distances[1] * height;
  xyxy[2] = x + distances[2] * width;
  xyxy[3] = y + distances[3] * height;
}

Size feature_size(int stride, Size tensor) {
  return {(tensor.height + stride - 1) / stride, (tensor.width + stride - 1) / stride};
}

}  // namespace

std::vector<Size> feature_sizes(const DenseSpec& spec, Size tensor) {
  std::vector<Size> sizes;
  for (const int stride : spec.strides) sizes.push_back(feature_size(stride, tensor));
  return sizes;
}

std::int64_t anchor_count(const DenseSpec& spec, Size tensor) {
  std::int64_t count = 0;
  for (std::size_t level = 0; level < spec.strides.size(); ++level) {
    const Size size = feature_size(spec.strides[level], tensor);
    count += std::int64_t{size.height} * size.width * spec.anchors.per_cell(level);
  }
  return count;
}

DensePostprocess::DensePostprocess(DenseSpec spec, int classes)
    : spec_(std::move(spec)), classes_(classes) {
  for (std::size_t level = 0; level < spec_.strides.size(); ++level) {
    cell_anchors_.push_back(cell_anchors(spec_.anchors, level));
  }
}

Detections DensePostprocess::operator()(const float* logits, const float* boxes,
                                        const float* centerness, const Geometry& geometry,
                                        const std::vector<float>& thresholds, Executor& pool,
                                        Detections kept) const {
  const auto classes = static_cast<std::size_t>(classes_);
  Recycled<float> per_class(thresholds.begin(), thresholds.end());
  if (per_class.empty()) per_class.assign(classes, spec_.score_threshold);
  const Limits limit = limits(per_class, centerness != nullptr);

  // 1. The best candidates of each level, decoded and clipped.
  thread_local Detections candidates;
  candidates.clear();
  for (std::size_t l = 0; l < spec_.strides.size(); ++l) {
    const Size size = feature_size(spec_.strides[l], geometry.tensor);
    const auto per_cell = static_cast<std::size_t>(spec_.anchors.per_cell(l));
    const auto columns = static_cast<std::size_t>(size.width);
    const Level level{logits, boxes, centerness, size.height * columns * per_cell};
    Recycled<Candidate> best = level_candidates(spec_, level, classes, limit, pool);
    std::sort(best.begin(), best.end());
    const Size stride = grid_stride(size, geometry.tensor);
    for (const Candidate& candidate : best) {
      // Anchors are made where they are needed: a few thousand of some hundred thousand.
      const std::size_t a = index_of(candidate.key);
      const std::size_t cell = a / per_cell;
      const float* base = &cell_anchors_[l][a % per_cell * 4];
      const auto x = static_cast<float>(cell % columns * stride.width);
      const auto y = static_cast<float>(cell / columns * stride.height);
      const float anchor[4] = {base[0] + x, base[1] + y, base[2] + x, base[3] + y};
      candidates.boxes.resize(candidates.boxes.size() + 4);
      float* box = candidates.boxes.data() + candidates.boxes.size() - 4;
      if (spec_.distances) {
        decode_distances(boxes + 4 * a, anchor, box);
      } else {
        decode_boxes(boxes + 4 * a, anchor, 1, spec_.coder, box);
      }
      require_finite_boxes(box, 1, spec_.boxes_output);
      clip_to_resized(geometry, box);
      candidates.scores.push_back(score_of(candidate.key));
      candidates.labels.push_back(candidate.label);
    }
    logits += level.anchors * classes;
    boxes += level.anchors * 4;
    if (centerness != nullptr) centerness += level.anchors;
  }

  // 2. Suppression within each class, from the best down.
  kept.clear();
  ClassSuppression suppression(classes, spec_.iou_threshold);
  for (const std::uint32_t i :
       by_falling_score(candidates.scores.data(), candidates.scores.size())) {
    if (kept.scores.size() >= static_cast<std::size_t>(spec_.max_detections)) break;
    const float* box = &candidates.boxes[4 * i];
    float reported[4];
    scale_to_image(geometry, box, reported);
    if (!has_area(reported) || !suppression.keep(candidates.labels[i], box)) continue;
    kept.boxes.insert(kept.boxes.end(), reported, reported + 4);
    kept.scores.push_back(candidates.scores[i]);
    kept.labels.push_back(candidates.labels[i]);
  }
  return kept;
}

}  // namespace edgecv
