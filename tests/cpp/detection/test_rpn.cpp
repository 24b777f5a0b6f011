#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "edgecv/boxes/nms.hpp"
#include "edgecv/detection/rpn.hpp"
#include "edgecv/error.hpp"
#include "scores/top_scores.hpp"

using namespace edgecv;

namespace {

struct Outputs {
  std::vector<Size> features;
  std::vector<std::vector<float>> objectness, deltas;

  std::vector<RpnLevel> levels() const {
    std::vector<RpnLevel> levels;
    for (std::size_t i = 0; i < features.size(); ++i) {
      levels.push_back({objectness[i].data(), deltas[i].data(), features[i]});
    }
    return levels;
  }
};

RpnSpec spec_of(std::size_t levels) {
  RpnSpec spec;
  for (std::size_t i = 0; i < levels; ++i) {
    spec.objectness_outputs.push_back("objectness_" + std::to_string(i));
    spec.deltas_outputs.push_back("deltas_" + std::to_string(i));
    spec.anchors.sizes.push_back({static_cast<float>(16 << i)});
    spec.anchors.aspect_ratios.push_back({0.5f, 1.f, 2.f});
  }
  return spec;
}

/// Logits in steps of 1 / `steps`: a small number makes many ties.
Outputs random_outputs(const RpnSpec& spec, Size input, int steps, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Outputs outputs;
  for (std::size_t i = 0; i < spec.anchors.sizes.size(); ++i) {
    const int stride = 4 << i;
    const Size feature{(input.height + stride - 1) / stride, (input.width + stride - 1) / stride};
    const std::size_t count =
        static_cast<std::size_t>(spec.anchors.per_cell(i)) * feature.height * feature.width;
    outputs.features.push_back(feature);
    std::vector<float> objectness(count), deltas(4 * count);
    for (float& value : objectness) value = std::round(normal(random) * 3 * steps) / steps;
    for (float& value : deltas) value = normal(random) * 0.4f;
    outputs.objectness.push_back(objectness);
    outputs.deltas.push_back(deltas);
  }
  return outputs;
}

/// torchvision's steps one after another: everything sorted, everything decoded, batched_nms.
Proposals reference(const RpnSpec& spec, const Outputs& outputs, Size image, Size input) {
  std::vector<float> boxes, scores;
  std::vector<std::int64_t> levels;
  for (std::size_t level = 0; level < outputs.features.size(); ++level) {
    const GridAnchors alone{{spec.anchors.sizes[level]}, {spec.anchors.aspect_ratios[level]}};
    const std::vector<float> anchors = generate_anchors(alone, {outputs.features[level]}, input);
    const std::size_t per_cell = spec.anchors.per_cell(level), count = anchors.size() / 4;
    const std::size_t cells = count / per_cell;
    std::vector<float> logits(count), deltas(4 * count), decoded(4 * count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t cell = i / per_cell, a = i % per_cell;
      logits[i] = outputs.objectness[level][a * cells + cell];
      for (std::size_t k = 0; k < 4; ++k) {
        deltas[4 * i + k] = outputs.deltas[level][(4 * a + k) * cells + cell];
      }
    }
    decode_boxes(deltas.data(), anchors.data(), count, spec.coder, decoded.data());
    clip_boxes(decoded.data(), count, image.height, image.width, decoded.data());
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
    order.resize(std::min<std::size_t>(count, spec.pre_nms_top_n));
    for (const std::size_t i : order) {
      const float score = 1 / (1 + std::exp(-logits[i]));
      const float* box = &decoded[4 * i];
      if (box[2] - box[0] < spec.min_size || box[3] - box[1] < spec.min_size ||
          score < spec.score_threshold) {
        continue;
      }
      boxes.insert(boxes.end(), box, box + 4);
      scores.push_back(score);
      levels.push_back(static_cast<std::int64_t>(level));
    }
  }
  Proposals result;
  for (const std::int64_t i : batched_nms(boxes.data(), scores.data(), levels.data(), scores.size(),
                                          spec.nms_threshold, spec.post_nms_top_n)) {
    result.boxes.insert(result.boxes.end(), &boxes[4 * i], &boxes[4 * i] + 4);
    result.scores.push_back(scores[i]);
  }
  return result;
}

}  // namespace

TEST_CASE("proposals of random outputs equal torchvision's steps, ties and all") {
  ThreadPool pool(2);
  const Size input{160, 224}, image{150, 215};
  for (const int steps : {1, 1000}) {
    for (const int pre_nms_top_n : {1, 100, 1000, 100000}) {
      for (const int post_nms_top_n : {1, 50, 1000}) {
        for (const float score_threshold : {0.f, 0.5f, 0.99f}) {
          RpnSpec spec = spec_of(4);
          spec.pre_nms_top_n = pre_nms_top_n;
          spec.post_nms_top_n = post_nms_top_n;
          spec.score_threshold = score_threshold;
          spec.min_size = 3;
          const Outputs outputs = random_outputs(spec, input, steps, pre_nms_top_n);
          const Proposals got = propose(spec, outputs.levels(), image, input, pool);
          const Proposals expected = reference(spec, outputs, image, input);
          CAPTURE(steps);
          CAPTURE(pre_nms_top_n);
          CAPTURE(post_nms_top_n);
          CHECK(got.scores == expected.scores);
          CHECK(got.boxes == expected.boxes);
        }
      }
    }
  }
}

TEST_CASE("every logit alike, or saturated: cell by cell, the finer level first") {
  ThreadPool pool(2);
  RpnSpec spec = spec_of(2);
  spec.nms_threshold = 1;
  const Size input{64, 64};
  for (const float logit : {0.f, 50.f}) {
    Outputs outputs = random_outputs(spec, input, 1, 1);
    for (auto& level : outputs.objectness) std::fill(level.begin(), level.end(), logit);
    // Above 50 float32's sigmoid is 1 too; the anchor with the larger logit still comes first.
    outputs.objectness[1].back() += 1;
    const Proposals got = propose(spec, outputs.levels(), input, input, pool);
    const Proposals expected = reference(spec, outputs, input, input);
    CHECK(got.scores == expected.scores);
    CHECK(got.boxes == expected.boxes);
  }
}

TEST_CASE("the score threshold itself passes, boxes of the least size too") {
  ThreadPool pool(1);
  RpnSpec spec = spec_of(1);
  spec.anchors = {{{4}}, {{1}}};
  spec.score_threshold = 0.5f;
  spec.min_size = 2;
  const std::vector<float> logits{0, -1e-6f, 2}, deltas(12, 0.f);
  // Anchors -2..2 around x = 0, 4 and 8; the image cuts the first and the last to 2 x 2.
  const Proposals got =
      propose(spec, {{logits.data(), deltas.data(), {1, 3}}}, {2, 8}, {4, 12}, pool);
  CHECK(got.boxes == std::vector<float>{6, 0, 8, 2, 0, 0, 2, 2});
  CHECK(got.scores.back() == 0.5f);
  spec.min_size = 2.0001f;
  CHECK(propose(spec, {{logits.data(), deltas.data(), {1, 3}}}, {2, 8}, {4, 12}, pool)
            .scores.empty());
}

TEST_CASE("NaN and infinity are an error that names the output") {
  ThreadPool pool(2);
  const RpnSpec spec = spec_of(3);
  const Size input{64, 96};
  const Outputs good = random_outputs(spec, input, 1000, 5);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {std::size_t{0}, good.objectness[1].size() - 1}) {
      Outputs outputs = good;
      outputs.objectness[1][at] = bad;
      CHECK_THROWS_WITH_AS(propose(spec, outputs.levels(), input, input, pool),
                           doctest::Contains("\"objectness_1\" of the network holds NaN"), Error);
    }
    Outputs outputs = good;
    outputs.deltas[2].back() = bad;  // a small level: all of its anchors are looked at
    CHECK_THROWS_WITH_AS(propose(spec, outputs.levels(), input, input, pool),
                         doctest::Contains("\"deltas_2\" of the network holds NaN"), Error);
  }
}

TEST_CASE("another number of levels than the network has") {
  ThreadPool pool(1);
  const RpnSpec spec = spec_of(2);
  const Outputs outputs = random_outputs(spec_of(3), {64, 64}, 10, 1);
  CHECK_THROWS_WITH_AS(propose(spec, outputs.levels(), {64, 64}, {64, 64}, pool),
                       doctest::Contains("of 3 levels"), Error);
}

TEST_CASE("proposals do not depend on the number of threads") {
  ThreadPool one(1), four(4);
  const RpnSpec spec = spec_of(4);
  const Size input{320, 320};
  const Outputs outputs = random_outputs(spec, input, 1000, 9);
  const Proposals a = propose(spec, outputs.levels(), input, input, one);
  const Proposals b = propose(spec, outputs.levels(), input, input, four);
  CHECK(a.scores == b.scores);
  CHECK(a.boxes == b.boxes);
}

TEST_CASE("a bound that enough scores reach, at every remainder of the vector width") {
  std::mt19937 random(3);
  std::vector<float> scratch;
  for (const std::size_t count : {1, 15, 16, 17, 100, 1000, 4097}) {
    std::vector<float> scores(count);
    for (float& score : scores) score = static_cast<float>(random() % 500) - 250;
    for (const std::size_t wanted : {std::size_t{1}, count / 10, count / 3, count}) {
      float bound;
      REQUIRE(lower_bound_of_best(scores.data(), count, wanted, scratch, &bound));
      std::vector<std::uint32_t> expected, reaching;
      for (std::uint32_t i = 0; i < count; ++i) {
        if (scores[i] >= bound) expected.push_back(i);
      }
      append_reaching(scores.data(), count, bound, reaching);
      CHECK(reaching == expected);
      CHECK(reaching.size() >= wanted);
    }
  }
}
