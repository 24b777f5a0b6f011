#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "detection/two_stage_doubles.hpp"
#include "edgecv/detection/two_stage_detector.hpp"
#include "edgecv/error.hpp"
#include "refusal.hpp"

using namespace edgecv;
using testing::refusal;
using testing::ScriptedEngine;
using testing::TwoStageForm;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// A bundle with its engines. The backbone's objectness is highest at column 2, row 1 of the finest
/// map, whose anchor is (24, 8, 40, 24). The box head calls a box a cat (class 1) if it is left of
/// the middle, else a dog, and leaves it in its place. The mask head fills the left half for cats,
/// all for dogs.
struct Model {
  explicit Model(const TwoStageForm& form = {})
      : manifest(testing::two_stage_manifest(form)),
        backbone(std::make_shared<ScriptedEngine>(
            manifest.graphs["trunk"][0], [form](ScriptedEngine& engine) { see(engine, form); })),
        roi(std::make_shared<ScriptedEngine>(manifest.graphs["roi"][0], judge)) {
    if (form.masks) mask = std::make_shared<ScriptedEngine>(manifest.graphs["mask"][0], cut);
  }

  static void see(ScriptedEngine& engine, const TwoStageForm& form) {
    for (int level = 0; level < form.levels; ++level) {
      const std::int64_t side = std::max(1, 4 >> level);
      const auto cells = static_cast<std::size_t>(side * side);
      engine.set(level, {1, 1, side, side}, std::vector<float>(cells, 0.5f));
      if (!form.proposals) continue;
      std::vector<float> objectness(cells, -3);
      if (level == 0) objectness[1 * 4 + 2] = 3;
      engine.set(form.levels + level, {1, 1, side, side}, objectness);
      engine.set(2 * form.levels + level, {1, 4, side, side}, std::vector<float>(4 * cells, 0));
    }
  }

  static void judge(ScriptedEngine& engine) {
    const std::vector<float> boxes = engine.boxes();
    const auto count = static_cast<std::int64_t>(boxes.size() / 4);
    std::vector<float> logits;
    for (std::size_t i = 0; i < boxes.size(); i += 4) {
      const bool cat = boxes[i] < 32;
      // The wider the box, the surer: the order of the results differs from that of the boxes.
      const float sure = 2 + (boxes[i + 2] - boxes[i]) / 16;
      logits.insert(logits.end(), {0, cat ? sure : -9, cat ? -9 : sure});
    }
    engine.set(0, {count, 3}, logits);
    engine.set(1, {count, 12}, std::vector<float>(12 * count, 0));
  }

  static void cut(ScriptedEngine& engine) {
    const auto count = static_cast<std::int64_t>(engine.boxes().size() / 4);
    const auto* labels = engine.given.back().as<std::int64_t>();
    std::vector<float> masks;
    for (std::int64_t i = 0; i < count; ++i) {
      const float right = labels[i] == 1 ? 0.f : 1.f;
      masks.insert(masks.end(), {1, right, 1, right});
    }
    engine.set(0, {count, 1, 2, 2}, masks);
  }

  TwoStageDetector detector() const {
    return {testing::open_as_bundle(manifest), {backbone, roi, mask}, 1};
  }

  Manifest manifest;
  std::shared_ptr<ScriptedEngine> backbone, roi, mask;
};

struct TestImage {
  explicit TestImage(int height = 128, int width = 128) : pixels(height * width * 3, 127) {
    image = {pixels.data(), height, width, width * 3};
  }
  std::vector<std::uint8_t> pixels;
  Image image;
};

float softmax_of(float logit) { return std::exp(logit) / (std::exp(logit) + 1 + std::exp(-9.f)); }

}  // namespace

TEST_CASE("one proposal becomes one detection with its mask, in pixels of the image") {
  for (const char* dialect : {"onnx", "tensorrt"}) {
    CAPTURE(dialect);
    Model model({1, dialect});
    TwoStageDetector detector = model.detector();
    const TestImage image;
    const Instances found = detector.run({image.image}).at(0);
    CHECK(model.roi->boxes() == std::vector<float>{24, 8, 40, 24});
    CHECK(model.mask->boxes() == std::vector<float>{24, 8, 40, 24});
    CHECK(found.detections.boxes == std::vector<float>{48, 16, 80, 48});
    CHECK(found.detections.labels == std::vector<std::int64_t>{0});
    REQUIRE(found.detections.scores.size() == 1);
    CHECK(found.detections.scores[0] == doctest::Approx(softmax_of(3)));
    // A mask of 2 x 2 with its left half set, over 32 x 32 pixels; away from the box's corners the
    // edge lies in the middle.
    REQUIRE(found.masks.size() == 1);
    const MaskCrop& mask = found.masks[0];
    REQUIRE(mask.width > 0);
    for (int y = 24; y < 40; ++y) {
      for (int x = 56; x < 72; ++x) {
        const bool inside = mask.pixels[(y - mask.y) * mask.width + x - mask.x] == 1;
        if (x != 63 && x != 64) CHECK(inside == (x < 64));
      }
    }
  }
}

TEST_CASE("feature maps pass from graph to graph without a copy") {
  Model model({3});
  TwoStageDetector detector = model.detector();
  const TestImage image;
  detector.run({image.image});
  for (std::size_t level = 0; level < 3; ++level) {
    CHECK(model.roi->given[level].data == model.backbone->results[level].data);
    CHECK(model.mask->given[level].data == model.backbone->results[level].data);
    CHECK(model.roi->given[level].shape == model.backbone->results[level].shape);
  }
}

TEST_CASE("boxes of several levels keep their scores, labels and masks") {
  // In pixels of the network's input 4, 60, 20, 30 and 6 wide: levels 0, 1, 0, 0 (of 2 levels).
  const std::vector<float> proposals = {80,  80, 88, 88, 2,  2,   122, 122, 70,  8,
                                        110, 48, 4,  60, 64, 120, 100, 4,   112, 16};
  std::vector<Instances> results;
  for (const char* dialect : {"onnx", "tensorrt"}) {
    Model model({2, dialect});
    TwoStageDetector detector = model.detector();
    const TestImage image;
    results.push_back(detector.run({image.image}, {proposals}).at(0));
    if (dialect == std::string("onnx")) {
      CHECK(model.roi->given[2].shape == Shape{4, 4});
      CHECK(model.roi->given[3].shape == Shape{1, 4});
      CHECK(model.roi->boxes() == std::vector<float>{40, 40, 44, 44, 35, 4, 55, 24, 2,  30,
                                                     32, 60, 50, 2,  56, 8, 1,  1,  61, 61});
    } else {
      const auto* levels = model.roi->given[3].as<std::int32_t>();
      CHECK(std::vector<int>(levels, levels + 5) == std::vector<int>{0, 1, 0, 0, 0});
    }
  }
  for (const Instances& found : results) {
    // The widest first.
    CHECK(found.detections.boxes == std::vector<float>{2,   2,  122, 122, 4,  60,  64,
                                                       120, 70, 8,   110, 48, 100, 4,
                                                       112, 16, 80,  80,  88, 88});
    CHECK(found.detections.labels == std::vector<std::int64_t>{0, 0, 1, 1, 1});
    REQUIRE(found.masks.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) {
      // Cats have the left half of their box, dogs all of it.
      const float* box = &found.detections.boxes[4 * i];
      const MaskCrop& mask = found.masks[i];
      const int y = static_cast<int>((box[1] + box[3]) / 2);
      const int right = static_cast<int>(box[0] + 0.75f * (box[2] - box[0]));
      const bool inside = mask.pixels[(y - mask.y) * mask.width + right - mask.x] == 1;
      CHECK(inside == (found.detections.labels[i] == 1));
    }
  }
  CHECK(results[0].detections.scores == results[1].detections.scores);
}

TEST_CASE("one to six levels") {
  for (int levels = 1; levels <= 6; ++levels) {
    CAPTURE(levels);
    Model model({levels});
    TwoStageDetector detector = model.detector();
    const TestImage image;
    CHECK(detector.run({image.image}).at(0).detections.boxes == std::vector<float>{48, 16, 80, 48});
  }
}

TEST_CASE("a graph without boxes is not run") {
  const TestImage image;
  SUBCASE("no proposal is large enough") {
    Model model;
    std::get<RcnnSpec>(model.manifest.postprocess).rpn->min_size = 100;
    TwoStageDetector detector = model.detector();
    CHECK(detector.run({image.image}).at(0).detections.boxes.empty());
    CHECK(model.backbone->runs == 1);
    CHECK(model.roi->runs == 0);
    CHECK(model.mask->runs == 0);
  }
  SUBCASE("no detection is above the threshold") {
    Model model;
    TwoStageDetector detector = model.detector();
    detector.set_thresholds({1, 1});
    const Instances found = detector.run({image.image}).at(0);
    CHECK(found.detections.boxes.empty());
    CHECK(found.masks.empty());
    CHECK(model.roi->runs == 1);
    CHECK(model.mask->runs == 0);
  }
  SUBCASE("none of the caller's boxes lies in the image") {
    Model model;
    TwoStageDetector detector = model.detector();
    const std::vector<float> outside = {-20, 0, 0, 50, 130, 5, 140, 9, 60, 60, 50, 70, 9, 9, 9, 20};
    CHECK(detector.run({image.image, image.image}, {outside, {}}).size() == 2);
    CHECK(model.backbone->runs == 0);
    CHECK(detector.run({image.image}, {{100, 100, 500, 500}}).at(0).detections.boxes ==
          std::vector<float>{100, 100, 128, 128});
  }
}

TEST_CASE("the caller's boxes that cannot be used are one clear error") {
  const TestImage image;
  Model model({1, "onnx", false, false});
  TwoStageDetector detector = model.detector();
  const auto message = [&](const std::function<void()>& action) {
    return refusal(ErrorCode::invalid_input, action);
  };
  CHECK(detector.run({image.image}, {{0, 0, 64, 64}}).at(0).detections.labels ==
        std::vector<std::int64_t>{0});
  CHECK(message([&] { detector.run({image.image}); }).find("got none") != std::string::npos);
  CHECK(message([&] { detector.run({image.image}, {{0, 0, 9, 9, 0, 0, 9, kNaN}}); }) ==
        "proposals: box 1 holds NaN or infinity");
  CHECK(message([&] { detector.run({image.image}, {{0, 0, 9}}); }) ==
        "proposals: expected 4 numbers for each box, got 3 numbers");
  CHECK(message([&] { detector.run({image.image}, {}); }) ==
        "proposals: expected boxes for each of 1 images, got 0 lists");
}

TEST_CASE("outputs that cannot be used are named") {
  const TestImage image;
  const auto message = [&](Model& model, std::shared_ptr<ScriptedEngine> Model::* engine,
                           std::size_t output, const Shape& shape, float value) {
    const std::shared_ptr<ScriptedEngine> broken = model.*engine;
    const auto count = static_cast<std::size_t>(element_count(shape));
    model.*engine = std::make_shared<ScriptedEngine>(
        GraphFile{"", "", "", "", broken->inputs(), broken->outputs()}, [=](ScriptedEngine& self) {
          for (std::size_t i = 0; i < self.given.size(); ++i) broken->given[i] = self.given[i];
          broken->run();
          self.results = broken->results;
          self.set(output, shape, std::vector<float>(count, value));
        });
    TwoStageDetector detector = model.detector();
    return refusal(ErrorCode::engine, [&] { detector.run({image.image}); });
  };
  struct Case {
    std::shared_ptr<ScriptedEngine> Model::* engine;
    std::size_t output;
    Shape shape;
    float value;
    const char* message;
  };
  for (const Case& fault : std::vector<Case>{
           {&Model::backbone,
            1,
            {1, 1, 4, 4},
            kNaN,
            "output \"objectness_0\" of the network holds"},
           {&Model::backbone, 2, {1, 4, 4, 4}, kNaN, "output \"deltas_0\" of the network holds"},
           {&Model::backbone,
            1,
            {1, 2, 4, 4},
            0,
            "output \"objectness_0\" came as float32 [1, 2, 4"},
           {&Model::backbone,
            2,
            {1, 4, 4, 3},
            0,
            "output \"deltas_0\" came as float32 [1, 4, 4, 3]"},
           {&Model::backbone, 1, {1, 1, 99, 1}, 0, "output \"objectness_0\" came as [1, 1, 99, 1]"},
           {&Model::roi, 0, {1, 3}, kNaN, "output \"logits\" of the network holds NaN"},
           {&Model::roi, 1, {1, 12}, kNaN, "output \"deltas\" of the network holds NaN"},
           {&Model::roi, 0, {2, 3}, 0, "output \"logits\" came as float32 [2, 3]"},
           {&Model::mask, 0, {1, 1, 2, 2}, kNaN, "output \"masks\" of the network holds NaN"},
           {&Model::mask, 0, {1, 1, 2, 3}, 0, "output \"masks\" came as [1, 1, 2, 3]"},
           {&Model::mask, 0, {1, 2, 2, 2}, 0, "output \"masks\" came as float32 [1, 2, 2, 2]"}}) {
    CAPTURE(fault.message);
    Model model;
    if (fault.output == 1 && fault.shape == Shape{1, 1, 99, 1}) {
      // The deltas agree, so that only the size is at fault.
      const auto backbone = model.backbone;
      model.backbone = std::make_shared<ScriptedEngine>(
          model.manifest.graphs["trunk"][0], [=](ScriptedEngine& self) {
            backbone->run();
            self.results = backbone->results;
            self.set(2, {1, 4, 99, 1}, std::vector<float>(4 * 99, 0));
          });
    }
    const std::string text = message(model, fault.engine, fault.output, fault.shape, fault.value);
    CHECK(text.substr(0, std::string(fault.message).size()) == fault.message);
  }
}

TEST_CASE("engines that do not fit the manifest") {
  Model model;
  const auto refused = [&](const TwoStageEngines& engines) {
    return refusal(ErrorCode::engine,
                   [&] { TwoStageDetector(testing::open_as_bundle(model.manifest), engines, 1); });
  };
  CHECK(refused({nullptr, model.roi, model.mask}) == "the graph \"trunk\" has no engine");
  CHECK(refused({model.backbone, nullptr, model.mask}) == "the graph \"roi\" has no engine");
  CHECK(refused({model.backbone, model.roi, nullptr}) == "the graph \"mask\" has no engine");
  CHECK(refused({model.backbone, model.mask, model.mask}) ==
        "the graph \"roi\" takes 3 inputs, the manifest gives 2");
  CHECK(refused({model.backbone, model.roi, model.roi}) ==
        "the network has no input \"labels\", only \"features_0\", \"boxes_0\": the graph and the "
        "manifest do not belong together");
  GraphFile half = model.manifest.graphs["roi"][0];
  half.inputs[0].dtype = DType::float16;
  CHECK(
      refused({model.backbone, std::make_shared<ScriptedEngine>(half, Model::judge), model.mask}) ==
      "the backbone gives \"features_0\" as float32, the next graph takes float16: take the graphs "
      "in one precision");
}

TEST_CASE("timing covers the steps that were taken") {
  Model model;
  TwoStageDetector detector = model.detector();
  const TestImage image;
  detector.run({image.image});
  const TwoStageTiming& timing = detector.timing();
  for (const double ms : {timing.preprocess_ms, timing.backbone_ms, timing.proposals_ms,
                          timing.roi_ms, timing.mask_ms, timing.postprocess_ms}) {
    CHECK(ms > 0);
  }
  detector.run({image.image}, {{}});
  CHECK(detector.timing().backbone_ms == 0);
}
