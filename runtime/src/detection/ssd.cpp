#include "edgecv/detection/ssd.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "boxes/nms_by_class.hpp"
#include "detection/image_boxes.hpp"
#include "detection/ssd_rows.hpp"
#include "edgecv/error.hpp"
#include "scores/finite.hpp"
#include "scores/logit_margin.hpp"
#include "scores/score_order.hpp"
#include "threads/recycled.hpp"

#define EDGECV_KERNELS "detection/ssd_kernels.hpp"
#include "simd/each_level.hpp"

namespace edgecv {
namespace {

constexpr int anchors_per_piece = 256;
constexpr std::size_t lanes = base::lanes;

RowReader row_reader(const SsdSpec& spec, int classes, float lowest_threshold) {
  RowReader reader{};
  reader.function = spec.score_function;
  reader.classes = static_cast<std::size_t>(classes);
  reader.columns = reader.classes + (spec.background == Background::none ? 0 : 1);
  reader.first = spec.background == Background::first ? 1 : 0;
  reader.background = spec.background == Background::first  ? 0
                      : spec.background == Background::last ? reader.classes
                                                            : reader.columns;
  reader.margin = logit_margin(lowest_threshold);
  return reader;
}

/// Candidates by falling score; equal scores in torchvision's order: by class, then by anchor.
Recycled<std::uint32_t> ranked(const Scratch& scratch) {
  const std::vector<float>& scores = scratch.candidate_scores;
  Recycled<std::uint32_t> order = by_falling_score(scores.data(), scores.size());
  for (std::size_t begin = 0, end; begin < order.size(); begin = end) {
    end = begin + 1;
    while (end < order.size() && scores[order[end]] == scores[order[begin]]) ++end;
    if (end - begin == 1) continue;
    std::sort(order.begin() + begin, order.begin() + end, [&](std::uint32_t i, std::uint32_t j) {
      const Candidate &one = scratch.candidates[i], &other = scratch.candidates[j];
      return one.label != other.label ? one.label < other.label : i < j;
    });
  }
  return order;
}

}  // namespace

SsdPostprocess::SsdPostprocess(SsdSpec spec, std::vector<float> anchors, int classes)
    : spec_(std::move(spec)), anchors_(std::move(anchors)), classes_(classes) {
  if (spec_.boxes_are_deltas && anchors_.empty()) {
    throw Error(ErrorCode::bad_bundle, "boxes are deltas, but the bundle has no anchors");
  }
}

Detections SsdPostprocess::operator()(const float* scores, const float* boxes,
                                      std::size_t anchor_count, const Geometry& geometry,
                                      const std::vector<float>& thresholds, Executor& pool,
                                      Detections kept) const {
  thread_local Scratch scratch;
  Recycled<float> per_class(thresholds.begin(), thresholds.end());
  if (per_class.empty()) per_class.assign(classes_, spec_.score_threshold);
  const RowReader reader =
      row_reader(spec_, classes_, *std::min_element(per_class.begin(), per_class.end()));

  // 1. The best score of each anchor.
  std::vector<float>& best = scratch.best;
  best.resize(anchor_count);
  pool.parallel_for(static_cast<int>(anchor_count), anchors_per_piece, [&](int begin, int end) {
    thread_local std::vector<float> row;
    row.resize(reader.columns + lanes);
    if (!EDGECV_BEST_LEVEL(best_scores)(reader, scores, begin, end, row.data(), best.data())) {
      not_finite(spec_.scores_output);
    }
    require_finite(boxes + 4 * static_cast<std::size_t>(begin),
                   4 * static_cast<std::size_t>(end - begin), spec_.boxes_output);
  });

  // 2. From the best anchors down, a slice of scores at a time, until enough boxes are kept. Most
  //    calls need one slice; the result does not depend on how they are cut.
  kept.clear();
  ClassSuppression suppression(classes_, spec_.iou_threshold);
  Recycled<int> seen(classes_, 0);  // candidates of each class so far, for the top k
  const std::size_t wanted = static_cast<std::size_t>(spec_.max_detections);
  const float lowest = *std::min_element(per_class.begin(), per_class.end());
  std::size_t slice_rows = std::max<std::size_t>(256, 4 * wanted);
  float upper = std::numeric_limits<float>::infinity();
  Recycled<float> ranking, limits(reader.classes + lanes);
  while (true) {
    std::vector<std::uint32_t>& rows = scratch.rows;
    rows.clear();
    for (std::size_t a = 0; a < anchor_count; ++a) {
      if (best[a] > lowest) rows.push_back(static_cast<std::uint32_t>(a));
    }
    float lower = lowest;
    if (rows.size() > slice_rows) {
      ranking.resize(rows.size());
      std::transform(rows.begin(), rows.end(), ranking.begin(),
                     [&](std::uint32_t a) { return best[a]; });
      std::nth_element(ranking.begin(), ranking.begin() + slice_rows, ranking.end(),
                       std::greater<float>());
      lower = std::max(lowest, ranking[slice_rows]);
      rows.erase(std::remove_if(rows.begin(), rows.end(),
                                [&](std::uint32_t a) { return !(best[a] > lower); }),
                 rows.end());
    }

    scratch.candidates.clear();
    scratch.candidate_scores.clear();
    scratch.row.resize(reader.columns + lanes);
    for (std::size_t c = 0; c < reader.classes; ++c) {
      const bool full = seen[c] >= spec_.topk_candidates;
      limits[c] = full ? std::numeric_limits<float>::infinity() : std::max(lower, per_class[c]);
    }
    EDGECV_BEST_LEVEL(collect)(reader, scores, limits, upper, scratch);
    for (const std::uint32_t i : ranked(scratch)) {
      if (kept.scores.size() >= wanted) return kept;
      const Candidate candidate = scratch.candidates[i];
      if (seen[candidate.label]++ >= spec_.topk_candidates) continue;
      float box[4], reported[4];
      box_of(boxes, candidate.anchor, geometry, box);
      scale_to_image(geometry, box, reported);
      if (!has_area(reported) || !suppression.keep(candidate.label, box)) continue;
      kept.boxes.insert(kept.boxes.end(), reported, reported + 4);
      kept.scores.push_back(scratch.candidate_scores[i]);
      kept.labels.push_back(candidate.label);
    }
    if (lower <= lowest) return kept;
    upper = lower;
    slice_rows *= 4;
  }
}

/// Decoded and clipped, in pixels of the resized image.
void SsdPostprocess::box_of(const float* boxes, std::size_t anchor, const Geometry& geometry,
                            float* xyxy) const {
  if (spec_.boxes_are_deltas) {
    decode_boxes(boxes + 4 * anchor, anchors_.data() + 4 * anchor, 1, spec_.coder, xyxy);
  } else {
    box_convert(boxes + 4 * anchor, 1, spec_.box_format, BoxFormat::xyxy, xyxy);
    if (spec_.boxes_normalized) {
      for (int k = 0; k < 4; ++k) {
        xyxy[k] *= static_cast<float>(k % 2 ? geometry.tensor.height : geometry.tensor.width);
      }
    }
  }
  require_finite_boxes(xyxy, 1, spec_.boxes_output);
  clip_to_resized(geometry, xyxy);
}

}  // namespace edgecv
