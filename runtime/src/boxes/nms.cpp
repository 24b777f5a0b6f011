#include "edgecv/boxes/nms.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "boxes/nms_by_class.hpp"
#include "edgecv/error.hpp"
#include "scores/score_order.hpp"

namespace edgecv {
namespace {

/// Numbers 0, 1, 2, … for the labels that occur.
std::vector<std::size_t> dense_labels(const std::int64_t* labels, std::size_t count,
                                      std::size_t& distinct) {
  std::vector<std::size_t> dense(count, 0);
  std::unordered_map<std::int64_t, std::size_t> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    // Runs of one label are common: look each up once.
    dense[i] = i > 0 && labels[i] == labels[i - 1]
                   ? dense[i - 1]
                   : numbers.emplace(labels[i], numbers.size()).first->second;
  }
  distinct = numbers.size();
  return dense;
}

}  // namespace

std::vector<std::int64_t> batched_nms(const float* boxes, const float* scores,
                                      const std::int64_t* labels, std::size_t count,
                                      double iou_threshold, std::int64_t max_kept) {
  if (std::any_of(scores, scores + count, [](float score) { return std::isnan(score); })) {
    throw Error(ErrorCode::invalid_input, "nms: scores hold NaN");
  }
  std::size_t distinct = 1;
  const std::vector<std::size_t> groups =
      labels ? dense_labels(labels, count, distinct) : std::vector<std::size_t>(count, 0);
  ClassSuppression suppression(distinct, iou_threshold);
  std::vector<std::int64_t> kept;
  for (const std::uint32_t index : by_falling_score(scores, count)) {
    if (max_kept >= 0 && static_cast<std::int64_t>(kept.size()) >= max_kept) break;
    if (suppression.keep(groups[index], boxes + 4 * static_cast<std::size_t>(index))) {
      kept.push_back(index);
    }
  }
  return kept;
}

std::vector<std::int64_t> nms(const float* boxes, const float* scores, std::size_t count,
                              double iou_threshold) {
  return batched_nms(boxes, scores, nullptr, count, iou_threshold);
}

}  // namespace edgecv
