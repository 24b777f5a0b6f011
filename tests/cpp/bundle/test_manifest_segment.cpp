// bundle.json with postprocess.method "classify" and "segment".
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "edgecv/bundle/manifest.hpp"
#include "golden.hpp"
#include "refusal.hpp"

using namespace edgecv;
using testing::manifest_refusal;

namespace {

struct Fault {
  std::string from, to, message;
};

void check_faults(const std::string& golden, const std::vector<Fault>& faults) {
  REQUIRE(manifest_refusal(golden) == "");
  for (const Fault& fault : faults) {
    CHECK(manifest_refusal(replaced(golden, fault.from, fault.to)) ==
          "bundle.json: " + fault.message);
  }
}

}  // namespace

TEST_CASE("the golden classifier is read, and written as it was read") {
  const std::string text = golden_manifest("bundle_v2_classify");
  const Manifest manifest = Manifest::from_json(text);
  CHECK(manifest.task == Task::classify);
  const auto& spec = std::get<ClassifySpec>(manifest.postprocess);
  CHECK(spec.scores_output == "logits");
  CHECK(spec.score_function == ScoreFunction::softmax);
  CHECK(spec.topk == 2);
  CHECK(manifest.to_json() == text);
}

TEST_CASE("what does not fit a classifier is refused by its key") {
  check_faults(
      golden_manifest("bundle_v2_classify"),
      {{"\"schema\": 2", "\"schema\": 1",
        "schema: expected 2 or above, since postprocess.method is classify, got 1"},
       {"\"task\": \"classify\"", "\"task\": \"detect\"",
        "task: expected classify, since postprocess.method is classify, got detect"},
       {"\"topk\": 2", "\"topk\": 0", "postprocess.topk: expected 1 or above, got 0"},
       {"\"softmax\"", "\"max\"",
        "postprocess.scores.function: expected one of softmax, sigmoid, none, got \"max\""},
       {"\"horse\"", "\"horse\", \"cow\"",
        "graphs.main[0].outputs \"logits\": expected shape [?, 4] (images, labels), got [?, 3]"},
       {"\"main\": [", "\"trunk\": [", "graphs.main: missing"},
       {"\"dtype\": \"float32\", \"shape\": [null, 3]}",
        "\"dtype\": \"float16\", \"shape\": [null, 3]}",
        "graphs.main[0].outputs \"logits\": expected dtype float32, got float16"}});
}

TEST_CASE("bicubic interpolation needs schema 2") {
  const std::string bicubic =
      replaced(golden_manifest("bundle_v2_classify"), "\"bilinear\"", "\"bicubic\"");
  CHECK(Manifest::from_json(bicubic).input.interpolation == Interpolation::bicubic);
  const std::string old = replaced(golden_manifest(), "\"bilinear\"", "\"bicubic\"");
  CHECK(manifest_refusal(old) ==
        "bundle.json: schema: expected 2 or above, since input.interpolation is bicubic, got 1");
}

TEST_CASE("the golden segmenter is read, and written as it was read") {
  const std::string text = golden_manifest("bundle_v2_segment");
  const Manifest manifest = Manifest::from_json(text);
  CHECK(manifest.task == Task::segment);
  const auto& spec = std::get<SegmentSpec>(manifest.postprocess);
  CHECK(spec.scores_output == "logits");
  REQUIRE(spec.windows.has_value());
  CHECK(spec.windows->size == Size{16, 24});
  CHECK(spec.windows->overlap == 0.25);
  CHECK(spec.windows->weight == WindowWeight::gaussian);
  CHECK(spec.windows->batch == 4);
  CHECK(manifest.to_json() == text);

  const std::string whole = replaced(
      text, R"({"size": [16, 24], "overlap": 0.25, "weight": "gaussian", "batch": 4})", "null");
  const Manifest other = Manifest::from_json(whole);
  CHECK_FALSE(std::get<SegmentSpec>(other.postprocess).windows.has_value());
  CHECK(other.to_json() == whole);
}

TEST_CASE("what does not fit a segmenter is refused by its key") {
  check_faults(
      golden_manifest("bundle_v2_segment"),
      {{"\"schema\": 2", "\"schema\": 1",
        "schema: expected 2 or above, since postprocess.method is segment, got 1"},
       {"\"task\": \"segment\"", "\"task\": \"instance\"",
        "task: expected segment, since postprocess.method is segment, got instance"},
       {"\"overlap\": 0.25", "\"overlap\": 1",
        "postprocess.windows.overlap: expected a number from 0 to below 1, got 1"},
       {"\"overlap\": 0.25", "\"overlap\": -0.5",
        "postprocess.windows.overlap: expected a number from 0 to below 1, got -0.5"},
       {"\"size\": [16, 24]", "\"size\": [0, 24]",
        "postprocess.windows.size: expected sides of 1 to 65535, got 0"},
       {"\"size\": [16, 24]", "\"size\": [16, 22]",
        "postprocess.windows.size: expected multiples of input.pad_multiple, 4, got [16, 22]"},
       {"\"gaussian\"", "\"hat\"",
        "postprocess.windows.weight: expected one of uniform, gaussian, linear, got \"hat\""},
       {"\"batch\": 4", "\"batch\": 0", "postprocess.windows.batch: expected 1 to 4096, got 0"},
       {"\"batch\": 4", "\"batch\": 5000",
        "postprocess.windows.batch: expected 1 to 4096, got 5000"},
       {", \"batch\": 4", "", "postprocess.windows.batch: missing"},
       {"\"crop\": null", "\"crop\": [16, 16]",
        "input.crop: expected null, since segment gives every pixel of the image a class"},
       {"\"size\": null,\n    \"resize\": \"none\"",
        "\"size\": [64, 64],\n    \"resize\": \"stretch\"",
        "input.resize: expected none, since windows are cut from the image as it is"},
       {"[null, 3, null, null]", "[null, 3, 16, 32]",
        "postprocess.windows.size: expected the height and width that graphs.main[0] takes, "
        "[?, 3, 16, 32], got [16, 24]"},
       {"[null, 4, null, null]", "[null, 21, null, null]",
        "graphs.main[0].outputs \"logits\": expected shape [?, 4, ?, ?] (images, labels, height, "
        "width), got [?, 21, ?, ?]"}});
}
