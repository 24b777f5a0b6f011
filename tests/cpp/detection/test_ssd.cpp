#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "detection/same_detections.hpp"
#include "edgecv/boxes/nms.hpp"
#include "edgecv/detection/ssd.hpp"
#include "edgecv/error.hpp"

using namespace edgecv;
using edgecv::testing::check_equal;

namespace {

struct Outputs {
  std::vector<float> scores, boxes, anchors;
  std::size_t count;
};

/// Logits around `mean` below a background of 0, so that `mean` sets how many pass.
Outputs random_outputs(const SsdSpec& spec, std::size_t count, int classes, float mean, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> unit;
  Outputs outputs;
  outputs.count = count;
  const int columns = classes + (spec.background != Background::none);
  for (std::size_t a = 0; a < count; ++a) {
    for (int c = 0; c < columns; ++c) {
      outputs.scores.push_back(
          spec.score_function == ScoreFunction::none ? unit(random) : normal(random) * 2 + mean);
    }
    if (spec.background == Background::first) outputs.scores[a * columns] = 0;
    if (spec.background == Background::last) outputs.scores[a * columns + classes] = 0;
    const float x = unit(random) * 250, y = unit(random) * 150;
    outputs.anchors.insert(outputs.anchors.end(), {x, y, x + 60, y + 40});
    for (int k = 0; k < 4; ++k) outputs.boxes.push_back(normal(random));
  }
  return outputs;
}

/// torchvision's SSD.postprocess_detections, step by step, in double where it matters.
Detections reference(const SsdSpec& spec, const Outputs& outputs, int classes,
                     const Geometry& geometry, const std::vector<float>& thresholds) {
  const int columns = classes + (spec.background != Background::none);
  const int first = spec.background == Background::first;
  std::vector<float> boxes(4 * outputs.count), all_boxes, all_scores;
  decode_boxes(outputs.boxes.data(), outputs.anchors.data(), outputs.count, spec.coder,
               boxes.data());
  clip_boxes(boxes.data(), outputs.count, geometry.resized.height, geometry.resized.width,
             boxes.data());
  std::vector<std::int64_t> all_labels;
  for (int c = 0; c < classes; ++c) {
    std::vector<std::pair<float, std::size_t>> passed;
    for (std::size_t a = 0; a < outputs.count; ++a) {
      const float* row = &outputs.scores[a * columns];
      double score = row[first + c];
      if (spec.score_function == ScoreFunction::softmax) {
        double total = 0;
        for (int k = 0; k < columns; ++k) total += std::exp(double(row[k]));
        score = std::exp(score) / total;
      } else if (spec.score_function == ScoreFunction::sigmoid) {
        score = 1 / (1 + std::exp(-score));
      }
      if (score > thresholds[c]) passed.emplace_back(static_cast<float>(score), a);
    }
    std::stable_sort(passed.begin(), passed.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    passed.resize(std::min<std::size_t>(passed.size(), spec.topk_candidates));
    for (const auto& [score, a] : passed) {
      if (!has_area(&boxes[4 * a])) continue;
      all_scores.push_back(score);
      all_labels.push_back(c);
      all_boxes.insert(all_boxes.end(), &boxes[4 * a], &boxes[4 * a] + 4);
    }
  }
  Detections result;
  for (const std::int64_t i :
       batched_nms(all_boxes.data(), all_scores.data(), all_labels.data(), all_scores.size(),
                   spec.iou_threshold, spec.max_detections)) {
    for (int k = 0; k < 4; ++k) {
      result.boxes.push_back(all_boxes[4 * i + k] *
                             (k % 2 ? geometry.scale_y() : geometry.scale_x()));
    }
    result.scores.push_back(all_scores[i]);
    result.labels.push_back(all_labels[i]);
  }
  return result;
}

const Geometry stretched{{400, 900}, {200, 300}, {200, 300}, 0, 0};

}  // namespace

TEST_CASE("random outputs against torchvision's steps, few and many candidates") {
  ThreadPool pool(2);
  for (const auto function : {ScoreFunction::softmax, ScoreFunction::sigmoid}) {
    for (const auto background : {Background::first, Background::last, Background::none}) {
      for (const int classes : {1, 3, 20, 90}) {
        for (const float mean : {-9.f, -4.f, 0.f}) {
          SsdSpec spec;
          spec.score_function = function;
          spec.background = background;
          const Outputs outputs = random_outputs(spec, 1500, classes, mean, 11 + classes);
          const SsdPostprocess postprocess(spec, outputs.anchors, classes);
          const std::vector<float> thresholds(classes, spec.score_threshold);
          CAPTURE(classes);
          CAPTURE(mean);
          check_equal(postprocess(outputs.scores.data(), outputs.boxes.data(), outputs.count,
                                  stretched, {}, pool),
                      reference(spec, outputs, classes, stretched, thresholds));
        }
      }
    }
  }
}

TEST_CASE("finished scores, small top-k, thresholds per class") {
  ThreadPool pool(2);
  SsdSpec spec;
  spec.score_function = ScoreFunction::none;
  spec.background = Background::none;
  spec.topk_candidates = 30;
  spec.iou_threshold = 0.1;
  const Outputs outputs = random_outputs(spec, 900, 4, 0, 3);
  const SsdPostprocess postprocess(spec, outputs.anchors, 4);
  for (const std::vector<float>& thresholds :
       {std::vector<float>{.01f, .01f, .01f, .01f}, std::vector<float>{.9f, .2f, .999f, .5f},
        std::vector<float>{1.f, 1.f, 1.f, 1.f}, std::vector<float>{0.f, 1.f, 0.f, 1.f}}) {
    check_equal(postprocess(outputs.scores.data(), outputs.boxes.data(), outputs.count, stretched,
                            thresholds, pool),
                reference(spec, outputs, 4, stretched, thresholds));
  }
}

TEST_CASE("every candidate alike: the slices come to an end, ties go by class, then anchor") {
  ThreadPool pool(2);
  SsdSpec spec;
  spec.max_detections = 5;
  std::vector<float> logits, deltas, anchors;
  for (int a = 0; a < 3000; ++a) {
    logits.insert(logits.end(), {0, 0, 0});
    deltas.insert(deltas.end(), {0, 0, 0, 0});
    const float x = static_cast<float>(a % 30) * 10, y = static_cast<float>(a / 30);
    anchors.insert(anchors.end(), {x, y, x + 10, y + 1});
  }
  const SsdPostprocess postprocess(spec, anchors, 2);
  const Detections found = postprocess(logits.data(), deltas.data(), 3000,
                                       {{200, 300}, {200, 300}, {200, 300}, 0, 0}, {}, pool);
  REQUIRE(found.scores.size() == 5);
  CHECK(found.labels == std::vector<std::int64_t>(5, 0));
  CHECK(found.boxes[4] == doctest::Approx(10));
  CHECK(found.boxes[16] == doctest::Approx(40));
}

TEST_CASE("finished boxes in 0..1, padding taken off, clipped, scaled to the image") {
  ThreadPool pool(1);
  SsdSpec spec;
  spec.score_function = ScoreFunction::none;
  spec.background = Background::none;
  spec.boxes_are_deltas = false;
  spec.box_format = BoxFormat::cxcywh;
  spec.boxes_normalized = true;
  const std::vector<float> scores{.9f, .8f}, boxes{.5f, .5f, .25f, .5f, 0.f, .5f, 1.f, 1.f};
  // A 100 x 200 image, letterboxed into 64 x 64: 32 x 64 with 16 rows of padding above.
  const Geometry letterbox{{100, 200}, {32, 64}, {64, 64}, 0, 16};
  const SsdPostprocess postprocess(spec, {}, 1);
  const Detections found = postprocess(scores.data(), boxes.data(), 2, letterbox, {}, pool);
  CHECK(found.boxes == std::vector<float>{75, 0, 125, 100, 0, 0, 100, 100});
}

TEST_CASE("what lies in the padding, has no area or is inside out is no detection") {
  ThreadPool pool(1);
  SsdSpec spec;
  spec.score_function = ScoreFunction::none;
  spec.background = Background::none;
  spec.boxes_are_deltas = false;
  spec.max_detections = 2;
  // A 100 x 200 image, letterboxed into 64 x 64: 32 x 64 with 16 rows of padding above and below.
  const Geometry letterbox{{100, 200}, {32, 64}, {64, 64}, 0, 16};
  const std::vector<float> boxes{
      10, 2,  30, 14,  // in the padding above
      10, 50, 30, 60,  // and below
      64, 20, 70, 40,  // right of the image
      20, 20, 20, 40,  // without width
      40, 20, 20, 40,  // inside out across,
      20, 40, 40, 20,  // down
      40, 40, 20, 20,  // and both, over the one that counts
      20, 20, 40, 40,  // in the image
      4,  10, 12, 24,  // half in it
  };
  const std::vector<float> scores{.95f, .9f, .85f, .8f, .75f, .7f, .65f, .6f, .5f};
  const Detections found =
      SsdPostprocess(spec, {}, 1)(scores.data(), boxes.data(), scores.size(), letterbox, {}, pool);
  CHECK(found.boxes == std::vector<float>{62.5f, 12.5f, 125, 75, 12.5f, 0, 37.5f, 25});
  CHECK(found.scores == std::vector<float>{.6f, .5f});
}

TEST_CASE("NaN and infinity anywhere are an error that names the output") {
  ThreadPool pool(2);
  SsdSpec spec;
  spec.scores_output = "logits";
  spec.boxes_output = "deltas";
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    for (const int classes : {2, 40}) {
      const Outputs good = random_outputs(spec, 600, classes, -5, 1);
      const SsdPostprocess postprocess(spec, good.anchors, classes);
      for (const std::size_t at : {std::size_t{0}, std::size_t{37}, good.scores.size() - 1}) {
        Outputs outputs = good;
        outputs.scores[at] = bad;
        CHECK_THROWS_WITH_AS(
            postprocess(outputs.scores.data(), outputs.boxes.data(), 600, stretched, {}, pool),
            doctest::Contains("\"logits\" of the network holds NaN"), Error);
      }
      for (const std::size_t at : {std::size_t{0}, good.boxes.size() - 1}) {
        Outputs outputs = good;
        outputs.boxes[at] = bad;
        CHECK_THROWS_WITH_AS(
            postprocess(outputs.scores.data(), outputs.boxes.data(), 600, stretched, {}, pool),
            doctest::Contains("\"deltas\" of the network holds NaN"), Error);
      }
    }
  }
}

TEST_CASE("results do not depend on the number of threads") {
  SsdSpec spec;
  const Outputs outputs = random_outputs(spec, 5000, 30, -3, 5);
  const SsdPostprocess postprocess(spec, outputs.anchors, 30);
  ThreadPool one(1), four(4);
  const Detections a =
      postprocess(outputs.scores.data(), outputs.boxes.data(), 5000, stretched, {}, one);
  const Detections b =
      postprocess(outputs.scores.data(), outputs.boxes.data(), 5000, stretched, {}, four);
  CHECK(a.scores == b.scores);
  CHECK(a.boxes == b.boxes);
  CHECK(a.labels == b.labels);
}
