#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "detection/two_stage_doubles.hpp"
#include "edgecv/classification/classifier.hpp"
#include "edgecv/error.hpp"
#include "refusal.hpp"

using namespace edgecv;
using testing::refusal;

namespace {

Image gray_image(const std::vector<std::uint8_t>& pixels, int height, int width) {
  Image image;
  image.data = pixels.data();
  image.height = height;
  image.width = width;
  image.stride = width;
  image.format = PixelFormat::gray;
  return image;
}

}  // namespace

TEST_CASE("softmax, and the best classes first; of equal ones the lowest") {
  const std::vector<float> logits{1, 3, 2, 3};
  const Classification result = classify({"logits", ScoreFunction::softmax, 3}, logits.data(), 4);
  CHECK(result.labels == std::vector<std::int64_t>{1, 3, 2});
  // e^-2, 1, e^-1, 1 over their sum
  const double sum = std::exp(-2.0) + 2 + std::exp(-1.0);
  CHECK(result.probabilities[0] == doctest::Approx(std::exp(-2.0) / sum));
  CHECK(result.scores[0] == doctest::Approx(1 / sum));
  CHECK(result.scores[1] == result.scores[0]);
  CHECK(result.scores[2] == result.probabilities[2]);
}

TEST_CASE("sigmoid, none, and fewer classes than asked for") {
  const std::vector<float> logits{0, -200, 200};
  const Classification sigmoid = classify({"logits", ScoreFunction::sigmoid, 5}, logits.data(), 3);
  CHECK(sigmoid.labels == std::vector<std::int64_t>{2, 0, 1});
  CHECK(sigmoid.scores == std::vector<float>{1.f, 0.5f, 0.f});
  CHECK(classify({"logits", ScoreFunction::none, 1}, logits.data(), 3).scores ==
        std::vector<float>{200.f});
}

TEST_CASE("NaN and infinity in logits are named") {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> logits{0, value};
    CHECK(refusal(ErrorCode::engine, [&] {
            classify({"scores", ScoreFunction::softmax, 1}, logits.data(), 2);
          }).find("output \"scores\" of the network holds NaN or infinity") == 0);
  }
}

TEST_CASE("images share a run and keep their order") {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_classify");
  const auto engine = std::make_shared<testing::ScriptedEngine>(
      bundle.manifest().graphs.at("main")[0], [](testing::ScriptedEngine& self) {
        const std::int64_t count = self.given[0].shape[0];
        std::vector<float> logits;
        for (std::int64_t i = 0; i < count; ++i) {  // the brighter, the further on
          const float first = self.given[0].as<float>()[i * 3 * 16 * 16];
          logits.insert(logits.end(), {0, first, 2 * first});
        }
        self.set(0, {count, 3}, logits);
      });
  Classifier classifier(bundle, engine, 1);
  const std::vector<std::uint8_t> black(20 * 30, 0), white(25 * 20, 255);
  const std::vector<Classification> results =
      classifier.run({gray_image(black, 20, 30), gray_image(white, 25, 20)});
  CHECK(engine->runs == 1);
  REQUIRE(results.size() == 2);
  CHECK(results[0].labels == std::vector<std::int64_t>{0, 1});
  CHECK(results[1].labels == std::vector<std::int64_t>{2, 1});
  CHECK(classifier.run({}).empty());
}
