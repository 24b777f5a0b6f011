// bundle.json with postprocess.method "retinanet" and "fcos".
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "edgecv/bundle/manifest.hpp"
#include "refusal.hpp"

using edgecv::DenseSpec;
using edgecv::Manifest;
using edgecv::testing::manifest_refusal;

namespace {

std::string manifest_text(const std::string& postprocess, const std::string& outputs) {
  return R"({"schema": 1, "name": "street", "task": "detect", "architecture": "RetinaNet",
 "labels": ["car", "bus"],
 "input": {"color": "rgb", "size": [800, 800], "resize": "shortest_edge", "max_size": 1333,
           "align": "center", "crop": null, "interpolation": "bilinear", "antialias": false,
           "scale": 0.00392156862745098, "mean": [0.485, 0.456, 0.406],
           "std": [0.229, 0.224, 0.225], "pad_value": 0.0, "pad_multiple": 32,
           "dtype": "float32", "layout": "nchw"},
 "graphs": {"main": [{"file": "main.onnx", "sha256": ")" +
         std::string(64, 'a') + R"(", "precision": "fp32", "dialect": "onnx",
   "inputs": [{"name": "images", "dtype": "float32", "shape": [null, 3, null, null]}],
   "outputs": [)" +
         outputs + R"(]}]},
 "postprocess": )" +
         postprocess + R"(, "provenance": {}})";
}

std::string tensor(const std::string& name, const std::string& shape) {
  return R"({"name": ")" + name + R"(", "dtype": "float32", "shape": )" + shape + "}";
}

const std::string two_outputs =
    tensor("logits", "[null, null, 2]") + ", " + tensor("deltas", "[null, null, 4]");
const std::string three_outputs = two_outputs + ", " + tensor("centerness", "[null, null, 1]");

const std::string retinanet = R"({"method": "retinanet", "scores": {"output": "logits"},
  "boxes": {"output": "deltas", "weights": [1, 1, 1, 1], "max_log_scale": 4.1351666},
  "anchors": {"sizes": [[32, 40], [64, 80]], "aspect_ratios": [[0.5, 1, 2], [1]],
              "strides": [8, 16]},
  "score_threshold": 0.05, "iou_threshold": 0.5, "topk_candidates": 1000, "max_detections": 300})";
const std::string fcos = R"({"method": "fcos", "scores": {"output": "logits"},
  "centerness": {"output": "centerness"}, "boxes": {"output": "deltas"},
  "anchors": {"sizes": [[8], [16]], "aspect_ratios": [[1], [1]], "strides": [8, 16]},
  "score_threshold": 0.2, "iou_threshold": 0.6, "topk_candidates": 1000, "max_detections": 100})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("retinanet and fcos are read, and written as they were read") {
  const Manifest first = Manifest::from_json(manifest_text(retinanet, two_outputs));
  const auto& spec = std::get<DenseSpec>(first.postprocess);
  CHECK_FALSE(spec.distances);
  CHECK(spec.logits_output == "logits");
  CHECK(spec.boxes_output == "deltas");
  CHECK(spec.coder.weight_w == 1.f);
  CHECK(spec.anchors.sizes == std::vector<std::vector<float>>{{32, 40}, {64, 80}});
  CHECK(spec.anchors.aspect_ratios == std::vector<std::vector<float>>{{0.5f, 1, 2}, {1}});
  CHECK(spec.strides == std::vector<int>{8, 16});
  CHECK(spec.score_threshold == 0.05f);
  CHECK(spec.max_detections == 300);
  CHECK(Manifest::from_json(first.to_json()).to_json() == first.to_json());

  const Manifest second = Manifest::from_json(manifest_text(fcos, three_outputs));
  const auto& other = std::get<DenseSpec>(second.postprocess);
  CHECK(other.distances);
  CHECK(other.centerness_output == "centerness");
  CHECK(other.iou_threshold == 0.6);
  CHECK(Manifest::from_json(second.to_json()).to_json() == second.to_json());
}

TEST_CASE("what does not fit a dense detector is refused by its key") {
  const std::string good = manifest_text(retinanet, two_outputs);
  struct Fault {
    std::string from, to, message;
  };
  const std::vector<Fault> faults = {
      {"\"strides\": [8, 16]", "\"strides\": []",
       "postprocess.anchors.strides: expected a stride for each of 1 to 16 levels, got 0"},
      {"\"strides\": [8, 16]", "\"strides\": [8, 0]",
       "postprocess.anchors.strides[1]: expected 1 to 65536 pixels, got 0"},
      {"[[32, 40], [64, 80]]", "[[32, 40]]",
       "postprocess.anchors.sizes: expected 2 lists, one for each stride, got 1"},
      {"[[32, 40], [64, 80]]", "[[32, 40], []]",
       "postprocess.anchors.sizes[1]: expected 1 to 1000 numbers, got 0"},
      {"[0.5, 1, 2], [1]", "[0.5, 1, 2], [-1]",
       "postprocess.anchors.aspect_ratios[1][0]: expected a number in 1e-6..1e6, got -1"},
      {"\"weights\": [1, 1, 1, 1]", "\"weights\": [1, 1, 1]",
       "postprocess.boxes.weights: expected 4 numbers (x, y, w, h), got 3"},
      {"\"weights\": [1, 1, 1, 1], ", "", "postprocess.boxes.weights: missing"},
      {"\"topk_candidates\": 1000", "\"topk_candidates\": 0",
       "postprocess.topk_candidates: expected 1 or above, got 0"},
      {"\"iou_threshold\": 0.5", "\"iou_threshold\": 2",
       "postprocess.iou_threshold: expected a number in 0..1, got 2"},
      {"\"task\": \"detect\"", "\"task\": \"instance\"",
       "task: expected detect, since postprocess.method is retinanet, got instance"},
      {"\"scores\": {\"output\": \"logits\"}", "\"scores\": {\"output\": \"x\"}",
       "postprocess.scores.output: expected an output of graphs.main[0] (\"logits\", "
       "\"deltas\"), got \"x\""},
      {"[null, null, 2]", "[null, null, 3]",
       "graphs.main[0].outputs \"logits\": expected shape [?, ?, 2] (anchors, labels), got "
       "[?, ?, 3]"},
      {"\"retinanet\"", "\"fcos\"", "postprocess.centerness: missing"},
  };
  for (const Fault& fault : faults) {
    CHECK(manifest_refusal(replaced(good, fault.from, fault.to)) ==
          "bundle.json: " + fault.message);
  }
  CHECK(manifest_refusal(manifest_text(fcos, two_outputs)) ==
        "bundle.json: postprocess.centerness.output: expected an output of graphs.main[0] "
        "(\"logits\", \"deltas\"), got \"centerness\"");
}

TEST_CASE("with one input size the outputs have the levels' number of anchors") {
  std::string text = manifest_text(retinanet, two_outputs);
  text =
      replaced(text, "\"shortest_edge\", \"max_size\": 1333", "\"letterbox\", \"max_size\": null");
  CHECK(manifest_refusal(text) == "");
  // 100 x 100 cells of 6 and 50 x 50 cells of 2.
  CHECK(manifest_refusal(replaced(text, "[null, null, 2]", "[null, 65000, 2]")) == "");
  CHECK(manifest_refusal(replaced(text, "[null, null, 2]", "[null, 64999, 2]")) ==
        "bundle.json: graphs.main[0].outputs \"logits\": expected shape [?, 65000, 2] (anchors, "
        "labels), got [?, 64999, 2]");
}
