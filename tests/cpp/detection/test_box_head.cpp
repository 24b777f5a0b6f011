#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "edgecv/boxes/nms.hpp"
#include "edgecv/detection/box_head.hpp"
#include "edgecv/error.hpp"

using namespace edgecv;

namespace {

struct Outputs {
  std::vector<float> logits, deltas, proposals;
  std::size_t count;
};

/// Logits around 0 with the background at `background`: it sets how many scores pass.
Outputs random_outputs(std::size_t count, int classes, float background, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> unit;
  Outputs outputs;
  outputs.count = count;
  for (std::size_t r = 0; r < count; ++r) {
    outputs.logits.push_back(background);
    for (int c = 0; c < classes; ++c) outputs.logits.push_back(normal(random) * 2);
    for (int k = 0; k < 4 * (classes + 1); ++k) outputs.deltas.push_back(normal(random));
    const float x = unit(random) * 250, y = unit(random) * 150;
    outputs.proposals.insert(outputs.proposals.end(),
                             {x, y, x + unit(random) * 80, y + unit(random) * 60});
  }
  return outputs;
}

const Geometry whole{{200, 300}, {200, 300}, {224, 320}, 0, 0};

Detections run(const BoxHeadSpec& spec, const Outputs& outputs, int classes,
               const Geometry& geometry, const std::vector<float>& thresholds, ThreadPool& pool) {
  return box_head_detections(spec, outputs.logits.data(), outputs.deltas.data(),
                             outputs.proposals.data(), outputs.count, classes, geometry, thresholds,
                             pool);
}

/// torchvision's steps one after another, the softmax in double.
Detections reference(const BoxHeadSpec& spec, const Outputs& outputs, int classes,
                     const std::vector<float>& thresholds) {
  std::vector<float> boxes, scores;
  std::vector<std::int64_t> labels;
  for (std::size_t r = 0; r < outputs.count; ++r) {
    const float* row = &outputs.logits[r * (classes + 1)];
    double total = 0;
    for (int c = 0; c <= classes; ++c) total += std::exp(double(row[c]));
    for (int c = 0; c < classes; ++c) {
      const float score = static_cast<float>(std::exp(double(row[c + 1])) / total);
      float box[4];
      decode_boxes(&outputs.deltas[4 * (r * (classes + 1) + c + 1)], &outputs.proposals[4 * r], 1,
                   spec.coder, box);
      clip_boxes(box, 1, 200, 300, box);
      if (!(score > thresholds[c]) || box[2] - box[0] < spec.min_size ||
          box[3] - box[1] < spec.min_size) {
        continue;
      }
      boxes.insert(boxes.end(), box, box + 4);
      scores.push_back(score);
      labels.push_back(c);
    }
  }
  Detections result;
  for (const std::int64_t i : batched_nms(boxes.data(), scores.data(), labels.data(), scores.size(),
                                          spec.iou_threshold, spec.max_detections)) {
    result.boxes.insert(result.boxes.end(), &boxes[4 * i], &boxes[4 * i] + 4);
    result.scores.push_back(scores[i]);
    result.labels.push_back(labels[i]);
  }
  return result;
}

}  // namespace

TEST_CASE("detections of random outputs equal torchvision's steps, few and many candidates") {
  ThreadPool pool(2);
  for (const int classes : {1, 2, 20, 90}) {
    for (const float background : {0.f, 5.f, 9.f}) {
      for (const int max_detections : {1, 100, 3000}) {
        BoxHeadSpec spec;
        spec.max_detections = max_detections;
        const Outputs outputs = random_outputs(300, classes, background, classes);
        const Detections got = run(spec, outputs, classes, whole, {}, pool);
        const Detections expected =
            reference(spec, outputs, classes, std::vector<float>(classes, spec.score_threshold));
        CAPTURE(classes);
        CAPTURE(background);
        CHECK(got.labels == expected.labels);
        CHECK(got.boxes == expected.boxes);
        REQUIRE(got.scores.size() == expected.scores.size());
        for (std::size_t i = 0; i < got.scores.size(); ++i) {
          CHECK(got.scores[i] == doctest::Approx(expected.scores[i]).epsilon(1e-5));
        }
      }
    }
  }
}

TEST_CASE("thresholds per class, from none to all") {
  ThreadPool pool(2);
  const BoxHeadSpec spec;
  const Outputs outputs = random_outputs(200, 4, 1, 3);
  for (const std::vector<float>& thresholds :
       {std::vector<float>{0.9f, 0.2f, 0.999f, 0.5f}, std::vector<float>{1, 1, 1, 1},
        std::vector<float>{0, 1, 0, 1}}) {
    const Detections got = run(spec, outputs, 4, whole, thresholds, pool);
    const Detections expected = reference(spec, outputs, 4, thresholds);
    CHECK(got.labels == expected.labels);
    CHECK(got.boxes == expected.boxes);
  }
}

TEST_CASE("equal scores: by proposal, then class; a score at the threshold does not pass") {
  ThreadPool pool(1);
  BoxHeadSpec spec;
  spec.score_threshold = 0.25f;
  const std::vector<float> proposals{0, 0, 10, 10, 50, 50, 60, 60};
  const std::vector<float> deltas(2 * 16, 0.f);
  std::vector<float> logits(8, 0.f);  // four columns: every score is 0.25
  CHECK(box_head_detections(spec, logits.data(), deltas.data(), proposals.data(), 2, 3, whole, {},
                            pool)
            .scores.empty());
  spec.score_threshold = std::nextafter(0.25f, 0.f);
  const Detections found = box_head_detections(spec, logits.data(), deltas.data(), proposals.data(),
                                               2, 3, whole, {}, pool);
  CHECK(found.labels == std::vector<std::int64_t>{0, 1, 2, 0, 1, 2});
  CHECK(found.boxes[0] == 0);
  CHECK(found.boxes[12] == 50);
  CHECK(found.scores == std::vector<float>(6, 0.25f));
}

TEST_CASE("boxes that the image's edge leaves nothing of; no proposals") {
  ThreadPool pool(1);
  const BoxHeadSpec spec;
  const std::vector<float> proposals{400, 10, 500, 50, 10, 20, 30, 60}, deltas(16, 0.f);
  const std::vector<float> logits{0, 5, 0, 4};
  const Detections found = box_head_detections(spec, logits.data(), deltas.data(), proposals.data(),
                                               2, 1, whole, {}, pool);
  CHECK(found.boxes == std::vector<float>{10, 20, 30, 60});
  CHECK(box_head_detections(spec, nullptr, nullptr, nullptr, 0, 1, whole, {}, pool).scores.empty());
}

TEST_CASE("a box without area is no detection, whatever min_size is") {
  ThreadPool pool(1);
  BoxHeadSpec spec;
  spec.min_size = 0;
  const std::vector<float> proposals{400, 10, 500, 50, 40, 30, 40, 60, 10, 20, 30, 60},
      deltas(24, 0.f), logits{0, 5, 0, 6, 0, 4};
  const Detections found = box_head_detections(spec, logits.data(), deltas.data(), proposals.data(),
                                               3, 1, whole, {}, pool);
  CHECK(found.boxes == std::vector<float>{10, 20, 30, 60});
}

TEST_CASE("an image with padding around it: boxes clipped to it, then scaled to the image") {
  ThreadPool pool(1);
  const BoxHeadSpec spec;
  const Geometry letterbox{{100, 200}, {32, 64}, {64, 64}, 0, 16};
  const std::vector<float> proposals{-5, 10, 20, 60}, deltas(8, 0.f), logits{0, 5};
  Detections found = box_head_detections(spec, logits.data(), deltas.data(), proposals.data(), 1, 1,
                                         letterbox, {}, pool);
  CHECK(found.boxes == std::vector<float>{0, 16, 20, 48});
  boxes_to_image(letterbox, found.boxes);
  CHECK(found.boxes == std::vector<float>{0, 0, 62.5f, 100});
}

TEST_CASE("NaN and infinity in what is looked at are an error that names the output") {
  ThreadPool pool(2);
  BoxHeadSpec spec;
  spec.logits_output = "logits";
  spec.deltas_output = "deltas";
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    for (const int classes : {1, 30}) {
      const Outputs good = random_outputs(150, classes, 9, 1);
      for (const std::size_t at : {std::size_t{0}, std::size_t{1}, good.logits.size() - 1}) {
        Outputs outputs = good;
        outputs.logits[at] = bad;
        CHECK_THROWS_WITH_AS(run(spec, outputs, classes, whole, {}, pool),
                             doctest::Contains("\"logits\" of the network holds NaN"), Error);
      }
      Outputs outputs = good;
      outputs.logits[1] = 20;
      outputs.deltas[7] = bad;  // dh of class 0 of the first proposal
      CHECK_THROWS_WITH_AS(run(spec, outputs, classes, whole, {}, pool),
                           doctest::Contains("\"deltas\" of the network holds NaN"), Error);
    }
  }
}

TEST_CASE("levels of boxes: sides double from level to level, those beyond go to the last") {
  LevelSpec spec;
  spec.scales = {0.25f, 0.125f, 0.0625f, 0.03125f};
  const std::vector<float> sides{0, 1, 111.99f, 112, 223, 224, 447, 448, 5000};
  std::vector<float> boxes;
  for (const float side : sides) boxes.insert(boxes.end(), {7, 9, 7 + side, 9 + side});
  boxes.insert(boxes.end(), {10, 10, 5, 90});  // inside out
  CHECK(assign_levels(spec, boxes.data(), sides.size() + 1) ==
        std::vector<std::int32_t>{0, 0, 0, 1, 1, 2, 2, 3, 3, 0});
  spec.scales = {0.125f};
  CHECK(assign_levels(spec, boxes.data(), 9) == std::vector<std::int32_t>(9, 0));
  spec.scales = {1.f / 32, 1.f / 32};  // torchvision's MobileNet: k_min = k_max = 5
  const std::vector<float> large = {0, 0, 1333, 800, 0, 0, 4000, 4000};
  CHECK(assign_levels(spec, large.data(), 2) == std::vector<std::int32_t>{0, 0});
}
