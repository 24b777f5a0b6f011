// Networks that give one score for two labels, and the thresholds that a bundle has.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "detection/two_stage_doubles.hpp"
#include "edgecv/classification/classifier.hpp"
#include "edgecv/detection/detector.hpp"
#include "edgecv/segmentation/semantic_segmenter.hpp"
#include "golden.hpp"
#include "refusal.hpp"

using namespace edgecv;
using testing::manifest_refusal;
using testing::ScriptedEngine;

namespace {

const std::string cats = R"("labels": ["cat", "dog", "horse"])";
const std::string roads = R"("labels": ["background", "road", "tree", "sky"])";

/// A golden manifest in schema 3, with two labels and one score that decides between them.
std::string one_score(const std::string& golden) {
  std::string text = replaced(golden_manifest(golden), "\"schema\": 2", "\"schema\": 3");
  if (golden == "bundle_v2_classify") {
    text =
        replaced(replaced(text, cats, R"("labels": ["fine", "broken"])"), "[null, 3]", "[null, 1]");
  } else {
    text = replaced(replaced(text, roads, R"("labels": ["fine", "broken"])"),
                    "[null, 4, null, null]", "[null, 1, null, null]");
  }
  return replaced(text, "\"softmax\"", "\"sigmoid\"");
}

struct TestImage {
  std::vector<std::uint8_t> pixels;
  Image image;

  TestImage(int height, int width) : pixels(static_cast<std::size_t>(height) * width * 3, 100) {
    image.data = pixels.data();
    image.height = height;
    image.width = width;
    image.stride = 3 * width;
  }
};

double sigmoid_of(double logit) { return 1 / (1 + std::exp(-logit)); }

}  // namespace

TEST_CASE("one score for two labels: what a manifest may say") {
  const std::string images = one_score("bundle_v2_classify");
  const std::string pixels = one_score("bundle_v2_segment");
  for (const std::string& text : {images, pixels}) {
    CHECK(Manifest::from_json(text).to_json() == text);
    CHECK(manifest_refusal(replaced(text, "\"sigmoid\"", "\"none\"")) == "");
    CHECK(manifest_refusal(replaced(text, "\"schema\": 3", "\"schema\": 2")) ==
          "bundle.json: schema: expected 3 or above, since one score decides between two labels, "
          "got 2");
    CHECK(manifest_refusal(replaced(text, "\"sigmoid\"", "\"softmax\"")) ==
          "bundle.json: postprocess.scores.function: expected sigmoid, or none for probabilities, "
          "since the softmax of one score is always 1, got softmax");
    CHECK(manifest_refusal(replaced(text, "\"fine\"", "\"fine\", \"bent\"")).find("[?, 3") !=
          std::string::npos);
  }
  const std::string one_name = replaced(images, "\"fine\", ", "");
  CHECK(manifest_refusal(one_name) == "");  // a sigmoid of its own for one label, as it was
  CHECK(manifest_refusal(replaced(one_name, "\"sigmoid\"", "\"softmax\""))
            .find("the softmax of one score is always 1") != std::string::npos);
  CHECK(manifest_refusal(replaced(pixels, "\"fine\", ", "")) ==
        "bundle.json: labels: expected two names or more, the first of what is not there where one "
        "score decides, got 1");
}

TEST_CASE("a classifier with one logit, and with one probability") {
  const std::string text = one_score("bundle_v2_classify");
  for (const bool probability : {false, true}) {
    const std::string manifest = probability ? replaced(text, "\"sigmoid\"", "\"none\"") : text;
    const Bundle bundle = testing::open_as_bundle(Manifest::from_json(manifest));
    const std::vector<float> scores =
        probability ? std::vector<float>{0.25f, 0.75f, 0.5f} : std::vector<float>{-2, 3, 0};
    const auto engine = std::make_shared<ScriptedEngine>(
        bundle.manifest().graphs.at("main")[0],
        [&](ScriptedEngine& self) { self.set(0, {3, 1}, scores); });
    const TestImage image(20, 30);
    const std::vector<Classification> results =
        Classifier(bundle, engine, 1).run({image.image, image.image, image.image});
    REQUIRE(results.size() == 3);
    CHECK(results[0].labels == std::vector<std::int64_t>{0, 1});
    CHECK(results[1].labels == std::vector<std::int64_t>{1, 0});
    CHECK(results[2].labels == std::vector<std::int64_t>{0, 1});  // a tie is no positive
    for (std::size_t i = 0; i < 3; ++i) {
      const double positive = probability ? scores[i] : sigmoid_of(scores[i]);
      CHECK(results[i].probabilities[1] == doctest::Approx(positive));
      CHECK(results[i].probabilities[0] == doctest::Approx(1 - positive));
      CHECK(results[i].scores[0] == doctest::Approx(std::max(positive, 1 - positive)));
    }
  }
}

TEST_CASE("a segmenter with one logit averages logits, with one probability probabilities") {
  const std::string text = one_score("bundle_v2_segment");
  for (const bool probability : {false, true}) {
    const std::string manifest = probability ? replaced(text, "\"sigmoid\"", "\"none\"") : text;
    const Bundle bundle =
        testing::open_as_bundle(Manifest::from_json(replaced(manifest, "gaussian", "uniform")));
    // Two windows of 16 x 24 side by side share the columns 18 to 24.
    const float left = probability ? 0.9f : 3.f, right = probability ? 0.3f : -2.f;
    const auto engine = std::make_shared<ScriptedEngine>(
        bundle.manifest().graphs.at("main")[0], [&](ScriptedEngine& self) {
          std::vector<float> scores(static_cast<std::size_t>(self.given[0].shape[0]) * 24, right);
          std::fill_n(scores.begin(), 24, left);
          self.set(0, {self.given[0].shape[0], 1, 4, 6}, scores);
        });
    SemanticSegmenter segmenter(bundle, engine, 1);
    const TestImage image(16, 42);
    const auto positive = [&](double score) { return probability ? score : sigmoid_of(score); };
    const Segmentation map = segmenter.run({image.image}, true).front();
    REQUIRE(map.probabilities.size() == 2 * 16 * 42);
    for (std::size_t x = 0; x < 42; ++x) {
      const double score = x < 18 ? left : x < 24 ? (double{left} + right) / 2 : right;
      CHECK(map.probabilities[16 * 42 + x] == doctest::Approx(positive(score)));
      CHECK(map.probabilities[x] == doctest::Approx(1 - positive(score)));
      CHECK(map.mask[x] == (positive(score) > 0.5 ? 1 : 0));
    }
    CHECK(segmenter(image.image).mask == map.mask);

    segmenter.set_windows(std::nullopt);
    const Segmentation whole = segmenter.run({image.image}, true).front();
    CHECK(whole.probabilities[16 * 42] == doctest::Approx(positive(left)));
    CHECK(whole.mask == std::vector<std::uint8_t>(16 * 42, 1));
    CHECK(segmenter(image.image).mask == whole.mask);
  }
}

TEST_CASE("a detector with one column needs no softmax") {
  std::string text = golden_manifest("bundle_v1");
  const std::size_t at = text.find("\"background\": \"");
  REQUIRE(at != std::string::npos);
  const Manifest manifest = Manifest::from_json(text);
  REQUIRE(manifest.labels.size() == 2);
  text = replaced(text, "[\"" + manifest.labels[0] + "\", \"" + manifest.labels[1] + "\"]",
                  "[\"" + manifest.labels[0] + "\"]");
  text = replaced(text, "\"background\": \"first\"", "\"background\": \"none\"");
  CHECK(manifest_refusal(text).find("the softmax of one score is always 1") != std::string::npos);
}

TEST_CASE("a manifest takes other thresholds, in the schema that has them") {
  const Manifest plain = Manifest::from_json(golden_manifest("bundle_v1"));
  REQUIRE(plain.schema == 1);
  const Manifest changed = Manifest::from_json(plain.with_thresholds({0.25f, 1.f}).to_json());
  CHECK(changed.schema == 3);
  CHECK(changed.thresholds == std::vector<float>{0.25f, 1.f});
  CHECK(changed.with_thresholds({}).thresholds.empty());
  CHECK(testing::refusal(ErrorCode::bad_bundle, [&] {
          plain.with_thresholds({0.5f, 0.5f, 0.5f});
        }) == "bundle.json: thresholds: expected 2 numbers, one for each label, got 3");
  CHECK(testing::refusal(ErrorCode::bad_bundle, [&] {
          Manifest::from_json(golden_manifest("bundle_v2_classify")).with_thresholds({0.5f});
        }).find("expected detect or instance, since there are thresholds") != std::string::npos);
}

TEST_CASE("a detector reports what is above its bundle's thresholds") {
  const Manifest plain = Manifest::from_json(golden_manifest("bundle_v1"));
  const Bundle bundle = testing::open_as_bundle(plain.with_thresholds({0.25f, 1.f}));
  const auto engine = std::make_shared<ScriptedEngine>(
      bundle.manifest().graphs.at("main")[0], [](ScriptedEngine& self) {
        self.set(0, {1, 20, 3}, std::vector<float>(60, 0.f));  // a third for each class
        self.set(1, {1, 20, 4}, std::vector<float>(80, 0.f));
      });
  Detector detector(bundle, engine, 1);
  const TestImage image(16, 24);
  const auto labels = [&] {
    const std::vector<std::int64_t> found = detector(image.image).labels;
    return std::vector<bool>{std::count(found.begin(), found.end(), 0) > 0,
                             std::count(found.begin(), found.end(), 1) > 0};
  };
  CHECK(labels() == std::vector<bool>{true, false});
  detector.set_thresholds({0.4f, 0.1f});
  CHECK(labels() == std::vector<bool>{false, true});
  detector.set_thresholds({});
  CHECK(labels() == std::vector<bool>{true, false});
}
