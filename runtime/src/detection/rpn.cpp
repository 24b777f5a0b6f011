#include "edgecv/detection/rpn.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "boxes/nms_kept_boxes.hpp"
#include "edgecv/error.hpp"
#include "scores/finite.hpp"
#include "scores/score_order.hpp"
#include "scores/top_scores.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

/// The candidates of one level, best first. Scores are known for all of them, boxes as far as
/// `suppressed`. Buffers are kept from call to call: a fresh page costs more than the work on it.
struct Candidates {
  std::vector<std::uint64_t> keys, spare;  // logit and anchor; anchors cell by cell
  std::vector<float> maxima;
  std::vector<std::uint32_t> reaching;
  std::vector<float> cell_anchors;
  Size stride;

  std::vector<float> scores;
  std::vector<float> boxes;
  std::vector<std::uint8_t> kept;
  KeptBoxes kept_boxes;
  std::size_t merged = 0;      // taken into the order of all levels
  std::size_t suppressed = 0;  // decoded, and kept or not
  std::size_t reported = 0;    // passed on as proposals if kept
};

float sigmoid(float logit) { return 1 / (1 + std::exp(-logit)); }

/// The best pre_nms_top_n anchors of a level by falling objectness, ties by anchor.
void select(const RpnSpec& spec, std::size_t index, const RpnLevel& level, Candidates& candidates) {
  const std::size_t per_cell = spec.anchors.per_cell(index);
  const std::size_t cells = static_cast<std::size_t>(level.feature.height) * level.feature.width;
  const std::size_t count = per_cell * cells;
  const std::size_t wanted =
      std::min(count, static_cast<std::size_t>(std::max(spec.pre_nms_top_n, 0)));
  float bound;
  if (!lower_bound_of_best(level.objectness, count, wanted, candidates.maxima, &bound)) {
    not_finite(spec.objectness_outputs[index]);
  }
  candidates.reaching.clear();
  append_reaching(level.objectness, count, bound, candidates.reaching);

  std::vector<std::uint64_t>& keys = candidates.keys;
  keys.clear();
  for (const std::uint32_t i : candidates.reaching) {
    const std::size_t anchor = i % cells * per_cell + i / cells;
    keys.push_back(score_key(level.objectness[i], static_cast<std::uint32_t>(anchor)));
  }
  if (keys.size() > wanted) {
    std::nth_element(keys.begin(), keys.begin() + wanted, keys.end());
    keys.resize(wanted);
  }
  sort_by_score(keys, candidates.spare);
  for (auto run = keys.begin(); run != keys.end();) {
    const auto end = std::find_if(
        run, keys.end(), [run](std::uint64_t key) { return score_of(key) != score_of(*run); });
    if (end - run > 1) std::sort(run, end);
    run = end;
  }

  candidates.scores.clear();
  for (const std::uint64_t key : keys) {
    const float score = sigmoid(score_of(key));
    if (score < spec.score_threshold) break;
    candidates.scores.push_back(score);
  }
  candidates.kept.resize(candidates.scores.size());
  candidates.boxes.resize(4 * candidates.scores.size());
  candidates.kept_boxes.clear();
  candidates.merged = candidates.suppressed = candidates.reported = 0;
}

/// Boxes of the candidates from `suppressed` to `merged`, clipped to the image.
void decode(const RpnSpec& spec, std::size_t index, const RpnLevel& level, Size image,
            Candidates& candidates) {
  thread_local std::vector<float> deltas, anchors;
  const std::size_t per_cell = spec.anchors.per_cell(index);
  const std::size_t columns = level.feature.width;
  const std::size_t cells = level.feature.height * columns;
  const std::size_t count = candidates.merged - candidates.suppressed;
  deltas.resize(4 * count), anchors.resize(4 * count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t anchor = index_of(candidates.keys[candidates.suppressed + i]);
    const std::size_t cell = anchor / per_cell, number = anchor % per_cell;
    const float x = static_cast<float>(cell % columns * candidates.stride.width);
    const float y = static_cast<float>(cell / columns * candidates.stride.height);
    for (std::size_t k = 0; k < 4; ++k) {
      deltas[4 * i + k] = level.deltas[(4 * number + k) * cells + cell];
      anchors[4 * i + k] = candidates.cell_anchors[4 * number + k] + (k % 2 ? y : x);
    }
  }
  require_finite(deltas.data(), 4 * count, spec.deltas_outputs[index]);
  float* const boxes = candidates.boxes.data() + 4 * candidates.suppressed;
  decode_boxes(deltas.data(), anchors.data(), count, spec.coder, boxes);
  require_finite_boxes(boxes, count, spec.deltas_outputs[index]);
  clip_boxes(boxes, count, static_cast<float>(image.height), static_cast<float>(image.width),
             boxes);
}

/// Decides on the candidates from `suppressed` to `merged`.
void suppress(const RpnSpec& spec, Candidates& candidates) {
  const float iou_threshold = KeptBoxes::as_float(spec.nms_threshold);
  for (std::size_t& i = candidates.suppressed; i < candidates.merged; ++i) {
    const float* box = &candidates.boxes[4 * i];
    candidates.kept[i] = box[2] - box[0] >= spec.min_size && box[3] - box[1] >= spec.min_size &&
                         candidates.kept_boxes.keep(box, iou_threshold);
  }
}

}  // namespace

Proposals propose(const RpnSpec& spec, const std::vector<RpnLevel>& levels, Size image, Size input,
                  Executor& pool, Proposals proposals) {
  const std::size_t count = levels.size();
  if (spec.anchors.sizes.size() != count || spec.anchors.aspect_ratios.size() != count ||
      spec.objectness_outputs.size() != count || spec.deltas_outputs.size() != count) {
    throw Error(ErrorCode::invalid_input,
                "proposals: expected anchors and outputs of " + std::to_string(count) + " levels");
  }
  thread_local std::vector<Candidates> buffers;
  buffers.resize(count);
  std::vector<Candidates>& candidates = buffers;
  pool.parallel_for(static_cast<int>(count), 1, [&](int level, int) {
    candidates[level].stride = grid_stride(levels[level].feature, input);
    std::vector<float>& anchors = candidates[level].cell_anchors;
    anchors = cell_anchors(spec.anchors, level, std::move(anchors));
    select(spec, level, levels[level], candidates[level]);
  });

  // A slice of the candidates of all levels at a time, until enough are kept. The result does not
  // depend on how they are cut.
  proposals.boxes.clear();
  proposals.scores.clear();
  const std::size_t wanted = static_cast<std::size_t>(std::max(spec.post_nms_top_n, 0));
  Recycled<std::size_t> order;  // levels, one for each candidate of the slice
  while (proposals.scores.size() < wanted) {
    order.clear();
    while (order.size() < wanted) {
      std::size_t best = count;
      float best_score = -1;
      for (std::size_t level = 0; level < count; ++level) {
        const Candidates& c = candidates[level];
        // Equal scores: the finer level first.
        if (c.merged < c.scores.size() && c.scores[c.merged] > best_score) {
          best = level;
          best_score = c.scores[c.merged];
        }
      }
      if (best == count) break;
      ++candidates[best].merged;
      order.push_back(best);
    }
    if (order.empty()) break;
    pool.parallel_for(static_cast<int>(count), 1, [&](int level, int) {
      decode(spec, level, levels[level], image, candidates[level]);
      suppress(spec, candidates[level]);
    });
    for (const std::size_t level : order) {
      Candidates& c = candidates[level];
      const std::size_t i = c.reported++;
      if (!c.kept[i]) continue;
      proposals.boxes.insert(proposals.boxes.end(), &c.boxes[4 * i], &c.boxes[4 * i] + 4);
      proposals.scores.push_back(c.scores[i]);
      if (proposals.scores.size() == wanted) break;
    }
  }
  return proposals;
}

}  // namespace edgecv
