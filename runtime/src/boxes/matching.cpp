#include "edgecv/boxes/matching.hpp"

#include <algorithm>

#include "edgecv/boxes/boxes.hpp"

namespace edgecv {

std::vector<std::int64_t> assign_anchors(const float* anchors, std::size_t anchor_count,
                                         const float* boxes, std::size_t box_count,
                                         float iou_threshold) {
  std::vector<std::int64_t> assigned(anchor_count, -1);
  if (anchor_count == 0 || box_count == 0) return assigned;

  std::vector<float> iou(box_count * anchor_count);  // [box_count, anchor_count]
  box_iou(boxes, box_count, anchors, anchor_count, iou.data());
  for (float& value : iou) value = value > 0 ? value : 0.f;  // NaN of two empty boxes too

  for (std::size_t anchor = 0; anchor < anchor_count; ++anchor) {
    std::size_t best = 0;
    for (std::size_t box = 1; box < box_count; ++box) {
      if (iou[box * anchor_count + anchor] > iou[best * anchor_count + anchor]) best = box;
    }
    if (iou[best * anchor_count + anchor] >= iou_threshold) assigned[anchor] = best;
  }

  // Greedy one-to-one. The best free anchor of a box changes only when that anchor is taken.
  std::vector<char> taken(anchor_count, 0);
  const auto best_free_anchor = [&](std::size_t box) {
    const float* row = &iou[box * anchor_count];
    std::size_t best = anchor_count;
    for (std::size_t anchor = 0; anchor < anchor_count; ++anchor) {
      if (!taken[anchor] && (best == anchor_count || row[anchor] > row[best])) best = anchor;
    }
    return best;
  };
  std::vector<std::size_t> best(box_count);
  for (std::size_t box = 0; box < box_count; ++box) best[box] = best_free_anchor(box);
  std::vector<char> matched(box_count, 0);
  for (std::size_t round = 0; round < std::min(box_count, anchor_count); ++round) {
    std::size_t winner = box_count;
    for (std::size_t box = 0; box < box_count; ++box) {
      if (matched[box]) continue;
      if (taken[best[box]]) best[box] = best_free_anchor(box);
      if (winner == box_count) {
        winner = box;
        continue;
      }
      const float mine = iou[box * anchor_count + best[box]];
      const float other = iou[winner * anchor_count + best[winner]];
      if (mine > other || (mine == other && best[box] < best[winner])) winner = box;
    }
    matched[winner] = 1;
    taken[best[winner]] = 1;
    assigned[best[winner]] = static_cast<std::int64_t>(winner);
  }
  return assigned;
}

}  // namespace edgecv
