#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "detection/same_detections.hpp"
#include "edgecv/boxes/nms.hpp"
#include "edgecv/detection/dense.hpp"
#include "edgecv/error.hpp"

using namespace edgecv;
using edgecv::testing::check_equal;

namespace {

struct Outputs {
  std::vector<float> logits, boxes, centerness;
};

DenseSpec retinanet() {
  DenseSpec spec;
  spec.logits_output = "logits";
  spec.boxes_output = "deltas";
  spec.strides = {8, 16, 64};
  spec.anchors.sizes = {{16, 20}, {32, 40}, {100, 140}};
  spec.anchors.aspect_ratios = {{0.5f, 1, 2}, {0.5f, 1, 2}, {1}};
  spec.topk_candidates = 60;
  spec.max_detections = 50;
  return spec;
}

DenseSpec fcos() {
  DenseSpec spec = retinanet();
  spec.distances = true;
  spec.centerness_output = "centerness";
  spec.anchors.sizes = {{8}, {16}, {64}};
  spec.anchors.aspect_ratios = {{1}, {1}, {1}};
  spec.score_threshold = 0.2f;
  return spec;
}

// 200 x 300 in a tensor padded to 224 x 320; strides do not divide it at the last level.
const Geometry padded{{400, 900}, {200, 300}, {224, 320}, 0, 0};

Outputs random_outputs(const DenseSpec& spec, int classes, float mean, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Outputs outputs;
  const std::int64_t anchors = anchor_count(spec, padded.tensor);
  for (std::int64_t i = 0; i < anchors * classes; ++i) {
    outputs.logits.push_back(normal(random) * 2 + mean);
  }
  for (std::int64_t i = 0; i < anchors * 4; ++i) {
    outputs.boxes.push_back(spec.distances ? std::abs(normal(random)) * 3 : normal(random) / 2);
  }
  for (std::int64_t i = 0; i < anchors; ++i) outputs.centerness.push_back(normal(random));
  return outputs;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// torchvision's postprocess_detections, step by step, over anchors of all levels made first.
Detections reference(const DenseSpec& spec, const Outputs& outputs, int classes,
                     const Geometry& geometry, const std::vector<float>& thresholds) {
  const std::vector<Size> sizes = feature_sizes(spec, geometry.tensor);
  const std::vector<float> anchors = generate_anchors(spec.anchors, sizes, geometry.tensor);
  std::vector<float> boxes(anchors.size());
  if (spec.distances) {
    for (std::size_t a = 0; a < anchors.size(); a += 4) {
      for (int k = 0; k < 4; ++k) {
        const float side = anchors[a + 2 + k % 2] - anchors[a + k % 2];
        const float centre = 0.5f * (anchors[a + k % 2] + anchors[a + 2 + k % 2]);
        const float distance = outputs.boxes[a + k] * side;
        boxes[a + k] = k < 2 ? centre - distance : centre + distance;
      }
    }
  } else {
    decode_boxes(outputs.boxes.data(), anchors.data(), anchors.size() / 4, spec.coder,
                 boxes.data());
  }
  clip_boxes(boxes.data(), boxes.size() / 4, geometry.resized.height, geometry.resized.width,
             boxes.data());

  std::vector<float> all_boxes, all_scores;
  std::vector<std::int64_t> all_labels;
  std::size_t start = 0;
  for (std::size_t level = 0; level < sizes.size(); ++level) {
    const std::size_t end = start + std::size_t(sizes[level].height) * sizes[level].width *
                                        spec.anchors.per_cell(level);
    std::vector<std::pair<float, std::size_t>> passed;  // score, anchor * classes + class
    for (std::size_t i = start * classes; i < end * classes; ++i) {
      double score = sigmoid(outputs.logits[i]);
      if (spec.distances) score = std::sqrt(score * sigmoid(outputs.centerness[i / classes]));
      if (score > thresholds[i % classes]) passed.emplace_back(static_cast<float>(score), i);
    }
    std::stable_sort(passed.begin(), passed.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    passed.resize(std::min<std::size_t>(passed.size(), spec.topk_candidates));
    for (const auto& [score, i] : passed) {
      if (!has_area(&boxes[i / classes * 4])) continue;
      all_scores.push_back(score);
      all_labels.push_back(static_cast<std::int64_t>(i % classes));
      all_boxes.insert(all_boxes.end(), &boxes[i / classes * 4], &boxes[i / classes * 4] + 4);
    }
    start = end;
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

Detections run(const DenseSpec& spec, const Outputs& outputs, int classes,
               const std::vector<float>& thresholds, ThreadPool& pool) {
  return DensePostprocess(spec, classes)(outputs.logits.data(), outputs.boxes.data(),
                                         spec.distances ? outputs.centerness.data() : nullptr,
                                         padded, thresholds, pool);
}

}  // namespace

TEST_CASE("dense: cells of a level begin at each stride") {
  const DenseSpec spec = retinanet();
  CHECK(feature_sizes(spec, {224, 320}) == std::vector<Size>{{28, 40}, {14, 20}, {4, 5}});
  CHECK(feature_sizes(spec, {32, 32}) == std::vector<Size>{{4, 4}, {2, 2}, {1, 1}});
  CHECK(anchor_count(spec, {32, 32}) == 16 * 6 + 4 * 6 + 2);
}

TEST_CASE("dense: random outputs against torchvision's steps, few and many candidates") {
  ThreadPool pool(2);
  for (const DenseSpec& spec : {retinanet(), fcos()}) {
    for (const int classes : {1, 3, 40}) {
      for (const float mean : {-12.f, -8.f, -3.f, 1.f}) {
        const Outputs outputs = random_outputs(spec, classes, mean, 5 + classes);
        CAPTURE(spec.distances);
        CAPTURE(classes);
        CAPTURE(mean);
        const std::vector<float> thresholds(classes, spec.score_threshold);
        check_equal(run(spec, outputs, classes, {}, pool),
                    reference(spec, outputs, classes, padded, thresholds));
      }
    }
  }
}

TEST_CASE("dense: thresholds for each class, at 0 and at 1 too") {
  ThreadPool pool(2);
  for (const DenseSpec& spec : {retinanet(), fcos()}) {
    const Outputs outputs = random_outputs(spec, 4, -3, 17);
    const std::vector<float> thresholds{0.f, 0.3f, 0.7f, 1.f};
    const Detections found = run(spec, outputs, 4, thresholds, pool);
    CHECK(std::count(found.labels.begin(), found.labels.end(), 3) == 0);
    check_equal(found, reference(spec, outputs, 4, padded, thresholds));
  }
}

TEST_CASE("dense: nothing above the threshold is no detection") {
  ThreadPool pool(1);
  const Outputs outputs = random_outputs(retinanet(), 2, -60, 3);
  CHECK(run(retinanet(), outputs, 2, {}, pool).scores.empty());
}

TEST_CASE("dense: a letterbox is taken off") {
  DenseSpec spec = fcos();
  spec.strides = {32};
  spec.anchors.sizes = {{32}};
  spec.anchors.aspect_ratios = {{1}};
  // One cell at (0, 0) of a 32 x 32 tensor that holds a 20 x 10 image, doubled, from (6, 4) on.
  const Geometry geometry{{10, 5}, {20, 10}, {32, 32}, 6, 4};
  const float logit = 3, centerness = 1, distances[] = {-0.25f, -0.25f, 0.5f, 2};
  ThreadPool pool(1);
  const Detections found =
      DensePostprocess(spec, 1)(&logit, distances, &centerness, geometry, {}, pool);
  // xyxy 8, 8, 16, 64 in the tensor; 2, 4, 10, 20 in the resized image, after the clip.
  CHECK(found.boxes == std::vector<float>{1, 2, 5, 10});
  CHECK(found.labels == std::vector<std::int64_t>{0});
  CHECK(found.scores[0] == doctest::Approx(std::sqrt(sigmoid(3) * sigmoid(1))).epsilon(1e-6));
}

TEST_CASE("dense: what lies in the padding, has no area or is inside out is no detection") {
  DenseSpec spec = fcos();
  spec.strides = {32};
  spec.anchors.sizes = {{32}};
  spec.anchors.aspect_ratios = {{1}};
  // As above. The anchor's centre is (0, 0).
  const Geometry geometry{{10, 5}, {20, 10}, {32, 32}, 6, 4};
  const float logit = 3, centerness = 1;
  ThreadPool pool(1);
  for (const std::vector<float>& distances : {std::vector<float>{-0.25f, 0, 0.5f, 0.125f},
                                              {-0.5f, -0.25f, 2, 2},
                                              {-0.25f, -0.25f, 0.25f, 0.5f},
                                              {-0.375f, -0.25f, 0.25f, 0.5f},
                                              {-0.375f, -0.5f, 0.25f, 0.25f}}) {
    CHECK(DensePostprocess(spec, 1)(&logit, distances.data(), &centerness, geometry, {}, pool)
              .scores.empty());
  }
}

TEST_CASE("dense: NaN and infinity are an error that names the output") {
  ThreadPool pool(2);
  for (const DenseSpec& spec : {retinanet(), fcos()}) {
    const Outputs good = random_outputs(spec, 3, -5, 9);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      const auto refusal = [&](std::vector<float> Outputs::* member, std::size_t index) {
        Outputs outputs = good;
        (outputs.*member)[index] = bad;
        try {
          run(spec, outputs, 3, {}, pool);
        } catch (const Error& error) {
          return std::string(error.what()).substr(0, 24);
        }
        return std::string("none");
      };
      CHECK(refusal(&Outputs::logits, 0) == "output \"logits\" of the n");
      CHECK(refusal(&Outputs::logits, good.logits.size() - 1) == "output \"logits\" of the n");
      CHECK(refusal(&Outputs::boxes, good.boxes.size() - 1) == "output \"deltas\" of the n");
      if (spec.distances) CHECK(refusal(&Outputs::centerness, 7) == "output \"centerness\" of t");
    }
  }
}

TEST_CASE("dense: the result does not depend on the number of threads") {
  ThreadPool one(1), four(4);
  const Outputs outputs = random_outputs(retinanet(), 30, 0, 21);
  const Detections a = run(retinanet(), outputs, 30, {}, one);
  const Detections b = run(retinanet(), outputs, 30, {}, four);
  CHECK(a.scores == b.scores);
  CHECK(a.boxes == b.boxes);
  CHECK(a.labels == b.labels);
}
