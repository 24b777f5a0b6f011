#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "detection/two_stage_doubles.hpp"
#include "edgecv/bundle/manifest.hpp"
#include "edgecv/error.hpp"
#include "golden.hpp"
#include "refusal.hpp"

using edgecv::Error;
using edgecv::Manifest;
using edgecv::RcnnSpec;
using edgecv::testing::manifest_refusal;

namespace {

struct Fault {
  const char* from;
  const char* to;
  const char* message;
};

/// The text from `begin` to `end` (not included), which occurs once.
std::string without(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  return text.substr(0, from) + text.substr(text.find(end, from));
}

}  // namespace

TEST_CASE("the golden two-stage manifest is read in full") {
  const Manifest manifest = Manifest::from_json(golden_manifest("bundle_v1_rcnn"));
  CHECK(manifest.task == edgecv::Task::instance);
  CHECK(manifest.graphs.size() == 3);
  const auto& spec = std::get<RcnnSpec>(manifest.postprocess);
  REQUIRE(spec.rpn);
  CHECK(spec.rpn->objectness_outputs == std::vector<std::string>{"objectness_0", "objectness_1"});
  CHECK(spec.rpn->deltas_outputs == std::vector<std::string>{"deltas_0", "deltas_1"});
  CHECK(spec.rpn->anchors.sizes == std::vector<std::vector<float>>{{16}, {32}});
  CHECK(spec.rpn->anchors.aspect_ratios == std::vector<std::vector<float>>{{0.5, 1}, {0.5, 1}});
  CHECK(spec.rpn->coder.weight_x == 1);
  CHECK(spec.rpn->pre_nms_top_n == 60);
  CHECK(spec.rpn->post_nms_top_n == 40);
  CHECK(spec.rpn->nms_threshold == 0.7);
  CHECK(spec.rpn->score_threshold == 0);
  CHECK(spec.rpn->min_size == 1e-3f);
  CHECK(spec.features == std::vector<std::string>{"features_0", "features_1"});
  CHECK(spec.levels.scales == std::vector<float>{1.f / 8, 1.f / 16});
  CHECK(spec.levels.canonical_scale == 32);
  CHECK(spec.levels.canonical_level == 4);
  CHECK(spec.box_head.logits_output == "logits");
  CHECK(spec.box_head.deltas_output == "deltas");
  CHECK(spec.box_head.coder.weight_w == 5);
  CHECK(spec.box_head.score_threshold == 0.4f);
  CHECK(spec.box_head.iou_threshold == 0.5);
  CHECK(spec.box_head.max_detections == 20);
  CHECK(spec.box_head.min_size == 1e-2f);
  REQUIRE(spec.mask);
  CHECK(spec.mask->output == "masks");
  CHECK(spec.mask->threshold == 0.5f);
}

TEST_CASE("a two-stage manifest is written as it was read") {
  const std::string text = golden_manifest("bundle_v1_rcnn");
  CHECK(Manifest::from_json(text).to_json() == text);
  for (const char* dialect : {"onnx", "tensorrt"}) {
    for (const bool proposals : {true, false}) {
      for (const bool masks : {true, false}) {
        const std::string written =
            edgecv::testing::two_stage_manifest({3, dialect, proposals, masks}).to_json();
        const Manifest again = Manifest::from_json(written);
        CHECK(again.to_json() == written);
        const auto& spec = std::get<RcnnSpec>(again.postprocess);
        CHECK(spec.rpn.has_value() == proposals);
        CHECK(spec.mask.has_value() == masks);
      }
    }
  }
}

TEST_CASE("what a two-stage manifest cannot hold") {
  const std::string golden = golden_manifest("bundle_v1_rcnn");
  const Fault faults[] = {
      {"\"instance\"", "\"detect\"",
       "task: expected instance, since postprocess.mask is there, got detect"},
      {"\"mask\": {\"output\": \"masks\", \"threshold\": 0.5}", "\"mask\": null",
       "task: expected detect, since postprocess.mask is null, got instance"},
      {"\"threshold\": 0.5}", "\"threshold\": 1.5}",
       "postprocess.mask.threshold: expected a number in 0..1, got 1.5"},
      {"\"crop\": null", "\"crop\": [64, 64]",
       "input.crop: expected null, since postprocess.method is rcnn, got a size"},
      {"\"deltas\": [\"deltas_0\", \"deltas_1\"]", "\"deltas\": [\"deltas_0\"]",
       "postprocess.rpn.deltas: expected 2 names, one for each of postprocess.rpn.objectness, got "
       "1"},
      {"\"objectness\": [\"objectness_0\", \"objectness_1\"]", "\"objectness\": []",
       "postprocess.rpn.objectness: expected 1 to 16 levels, got 0"},
      {"[[16.0], [32.0]]", "[[16.0], []]",
       "postprocess.rpn.anchors.sizes[1]: expected 1 to 1000 numbers, got 0"},
      {"[[16.0], [32.0]]", "[[16.0]]",
       "postprocess.rpn.anchors.sizes: expected 2 lists, one for each of "
       "postprocess.rpn.objectness, got 1"},
      {"[[16.0], [32.0]]", "[[16.0, 8.0], [32.0]]",
       "graphs.trunk[0].outputs \"objectness_0\": expected float32 [1, 4, ?, ?], got float32 [1, "
       "2, ?, ?]"},
      {"\"pre_nms_top_n\": 60", "\"pre_nms_top_n\": 0",
       "postprocess.rpn.pre_nms_top_n: expected 1 or above, got 0"},
      {"\"min_size\": 0.001", "\"min_size\": -1",
       "postprocess.rpn.min_size: expected a number of at least 0, got -1"},
      {"[0.125, 0.0625]", "[0.125, 0.07]",
       "postprocess.roi.levels.scales[1]: expected a power of two (1, 0.5, 0.25, ...), got 0.07"},
      {"[0.125, 0.0625]", "[0.125, 0.03125]",
       "postprocess.roi.levels.scales[1]: expected the scale before it or half of it, got 0.03125"},
      {"[0.125, 0.0625]", "[0.125]",
       "postprocess.roi.levels.scales: expected 2 numbers, one for each of "
       "postprocess.roi.features, got 1"},
      {"\"canonical_level\": 4", "\"canonical_level\": -1",
       "postprocess.roi.levels.canonical_level: expected 0 to 64, got -1"},
      {"\"features\": [\"features_0\", \"features_1\"]",
       "\"features\": [\"features_0\", \"features_0\"]",
       "postprocess.roi.features[1]: the name is there twice: \"features_0\""},
      {"\"logits\": \"logits\"", "\"logits\": \"scores\"",
       "postprocess.roi.logits: expected an output of graphs.roi[0] (\"logits\", \"deltas\"), got "
       "\"scores\""},
      {"[\"cat\", \"dog\"]", "[\"cat\"]",
       "graphs.roi[0].outputs \"logits\": expected float32 [?, 2], got float32 [?, 3]"},
      {"[null, 1, 4, 4]", "[null, 3, 4, 4]",
       "graphs.mask[0].outputs \"masks\": expected float32 [?, 1, ?, ?], got float32 [?, 3, 4, 4]"},
      {"{\"name\": \"labels\", \"dtype\": \"int64\", \"shape\": [null]}",
       "{\"name\": \"labels\", \"dtype\": \"int32\", \"shape\": [null]}",
       "graphs.mask[0].inputs \"labels\": expected int64 [?], got int32 [?]"},
      {"[1, 3, null, null]", "[2, 3, null, null]",
       "graphs.trunk[0].inputs[0].shape[0]: expected null or 1, since images are run one by one, "
       "got 2"},
      {"\"roi\": [", "\"head\": [", "graphs.roi: missing"},
      {"\"method\": \"rcnn\",", "\"method\": \"rcnn\", \"anchors\": null,",
       "postprocess.anchors: unknown key; expected one of method, rpn, roi, mask"},
  };
  for (const Fault& fault : faults) {
    CAPTURE(std::string(fault.to));
    CHECK(manifest_refusal(replaced(golden, fault.from, fault.to)) ==
          std::string("bundle.json: ") + fault.message);
  }
  const std::string boxes = without(golden, ",\n          {\"name\": \"labels\"", "\n        ],");
  CHECK(manifest_refusal(boxes) ==
        "bundle.json: graphs.mask[0].inputs: expected an input \"labels\" in dialect onnx");
  std::string letterbox = replaced(golden, "\"shortest_edge\"", "\"letterbox\"");
  letterbox = replaced(letterbox, "\"max_size\": 128", "\"max_size\": null");
  CHECK(manifest_refusal(letterbox) ==
        "bundle.json: input.align: expected top_left, since postprocess.method is rcnn, got "
        "center");
  CHECK(manifest_refusal(replaced(letterbox, "\"center\"", "\"top_left\"")) == "");
}

TEST_CASE("the dialect says how boxes go in") {
  Manifest manifest = edgecv::testing::two_stage_manifest({2, "tensorrt"});
  manifest.graphs["roi"][0].dialect = "onnx";
  CHECK_THROWS_WITH_AS(
      manifest.to_json(),
      "bundle.json: graphs.roi[0].inputs: expected an input \"boxes_0\" in dialect onnx", Error);
  manifest = edgecv::testing::two_stage_manifest({2, "onnx"});
  manifest.graphs["mask"][0].dialect = "tensorrt";
  CHECK_THROWS_WITH_AS(
      manifest.to_json(),
      "bundle.json: graphs.mask[0].inputs: expected an input \"boxes\" in dialect tensorrt", Error);
  manifest = edgecv::testing::two_stage_manifest({2});
  manifest.graphs["roi"][0].inputs.push_back({"more", edgecv::DType::float32, {1}});
  CHECK_THROWS_WITH_AS(manifest.to_json(),
                       "bundle.json: graphs.roi[0].inputs: expected 4 inputs, got 5", Error);
}
