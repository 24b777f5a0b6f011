#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "edgecv/boxes/boxes.hpp"
#include "edgecv/boxes/nms.hpp"
#include "edgecv/error.hpp"
#include "scores/score_order.hpp"

using namespace edgecv;
using Indices = std::vector<std::int64_t>;

namespace {

/// Straight from the definition.
Indices reference(const std::vector<float>& boxes, const std::vector<float>& scores,
                  const Indices& labels, double threshold) {
  const std::size_t count = scores.size();
  std::vector<float> iou(count * count);
  box_iou(boxes.data(), count, boxes.data(), count, iou.data());
  Indices order(count), kept;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return scores[a] > scores[b]; });
  for (const std::int64_t i : order) {
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](std::int64_t k) {
      return labels[k] == labels[i] && iou[k * count + i] > threshold;
    });
    if (!suppressed) kept.push_back(i);
  }
  return kept;
}

}  // namespace

TEST_CASE("a box exactly at the threshold stays, one just past it goes") {
  // IoU of the first two is 2 / 4 = 0.5.
  const std::vector<float> boxes{0, 0, 3, 1, 1, 0, 4, 1}, scores{.9f, .8f};
  CHECK(nms(boxes.data(), scores.data(), 2, 0.5) == Indices{0, 1});
  CHECK(nms(boxes.data(), scores.data(), 2, 0.4999999) == Indices{0});
}

TEST_CASE("none, one, equal scores, other labels, a limit") {
  const std::vector<float> boxes{0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 6, 6}, scores{.5f, .5f, .5f};
  const Indices labels{7, -3, 7};
  CHECK(nms(boxes.data(), scores.data(), 0, 0.5).empty());
  CHECK(nms(boxes.data(), scores.data(), 1, 0.5) == Indices{0});
  CHECK(nms(boxes.data(), scores.data(), 3, 0.5) == Indices{0, 2});
  CHECK(batched_nms(boxes.data(), scores.data(), labels.data(), 3, 0.5) == Indices{0, 1, 2});
  CHECK(batched_nms(boxes.data(), scores.data(), labels.data(), 3, 0.5, 2) == Indices{0, 1});
}

TEST_CASE("random boxes with tied scores against the definition") {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> place(0, 60), side(1, 30);
  for (const std::size_t count : {2, 17, 300, 1500}) {
    std::vector<float> boxes, scores;
    Indices labels;
    for (std::size_t i = 0; i < count; ++i) {
      const float x = place(random), y = place(random);
      boxes.insert(boxes.end(), {x, y, x + side(random), y + side(random)});
      scores.push_back(static_cast<float>(random() % 50) / 50);
      labels.push_back(static_cast<std::int64_t>(random() % 4));
    }
    for (const double threshold : {0.0, 0.3, 0.5, 0.9}) {
      CHECK(batched_nms(boxes.data(), scores.data(), labels.data(), count, threshold) ==
            reference(boxes, scores, labels, threshold));
      CHECK(nms(boxes.data(), scores.data(), count, threshold) ==
            reference(boxes, scores, Indices(count, 0), threshold));
    }
  }
}

TEST_CASE("NaN scores are refused") {
  const std::vector<float> boxes{0, 0, 1, 1}, scores{std::numeric_limits<float>::quiet_NaN()};
  CHECK_THROWS_AS(nms(boxes.data(), scores.data(), 1, 0.5), Error);
}

TEST_CASE("scores are sorted like any floats, ties by index") {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> scores{0.f, -1.f, 3.f, -0.f, 1e-40f, infinity, -infinity, 3.f, -1e-40f};
  const auto order = by_falling_score(scores.data(), scores.size());
  CHECK(std::vector<std::uint32_t>(order.begin(), order.end()) ==
        std::vector<std::uint32_t>{5, 2, 7, 4, 0, 3, 8, 1, 6});
}
