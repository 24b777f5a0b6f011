// A two-stage bundle without files, and engines that compute what the test says.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/engine/engine.hpp"

namespace edgecv::testing {

/// Keeps what it is given; `compute` fills the outputs when it runs.
class ScriptedEngine : public Engine {
 public:
  ScriptedEngine(const GraphFile& graph, std::function<void(ScriptedEngine&)> compute)
      : given(graph.inputs.size()),
        results(graph.outputs.size()),
        inputs_(graph.inputs),
        outputs_(graph.outputs),
        buffers_(graph.inputs.size()),
        memory_(graph.outputs.size()),
        compute_(std::move(compute)) {}

  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Tensor input(std::size_t index, const Shape& shape) override {
    buffers_[index].assign(element_count(shape) * element_size(inputs_[index].dtype), 0xff);
    given[index] = Tensor();
    given[index].data = buffers_[index].data();
    given[index].shape = shape;
    given[index].dtype = inputs_[index].dtype;
    return given[index];
  }
  void bind(std::size_t index, const Tensor& tensor) override { given[index] = tensor; }
  void run() override {
    ++runs;
    compute_(*this);
  }
  Tensor output(std::size_t index) override { return results[index]; }

  void set(std::size_t output, const Shape& shape, std::vector<float> values) {
    memory_[output] = std::move(values);
    results[output] = Tensor();
    results[output].data = memory_[output].data();
    results[output].shape = shape;
  }

  /// The boxes of the last run, in the order in which the graph sees them.
  std::vector<float> boxes() const {
    std::vector<float> all;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].name.rfind("boxes", 0) != 0) continue;
      const auto* values = given[i].as<float>();
      all.insert(all.end(), values, values + element_count(given[i].shape));
    }
    return all;
  }

  std::vector<Tensor> given, results;
  int runs = 0;

 private:
  std::vector<TensorSpec> inputs_, outputs_;
  std::vector<std::vector<unsigned char>> buffers_;
  std::vector<std::vector<float>> memory_;
  std::function<void(ScriptedEngine&)> compute_;
};

struct TwoStageForm {
  int levels = 1;
  std::string dialect = "onnx";
  bool proposals = true;  // has a proposal network
  bool masks = true;
};

/// Two classes, one square anchor of 16 pixels at each place of maps with stride 16, 32, ...; one
/// proposal; every image is stretched to 64 x 64.
inline Manifest two_stage_manifest(const TwoStageForm& form) {
  Manifest manifest;
  manifest.name = "double";
  manifest.architecture = "double";
  manifest.labels = {"cat", "dog"};
  manifest.task = form.masks ? Task::instance : Task::detect;
  manifest.input.size = Size{64, 64};
  RcnnSpec spec;
  spec.box_head.logits_output = "logits";
  spec.box_head.deltas_output = "deltas";
  if (form.masks) spec.mask = MaskHeadSpec{"masks"};
  if (form.proposals) {
    spec.rpn.emplace();
    spec.rpn->pre_nms_top_n = spec.rpn->post_nms_top_n = 1;
  }

  const std::string sha256(64, '0');
  GraphFile backbone{"trunk.onnx", sha256, "fp32", form.dialect, {}, {}};
  backbone.inputs = {{"images", DType::float32, {1, 3, 64, 64}}};
  std::vector<TensorSpec> features, boxes;
  float scale = 1.f / 16;
  for (int level = 0; level < form.levels; ++level, scale /= 2) {
    const std::string number = std::to_string(level);
    spec.features.push_back("features_" + number);
    spec.levels.scales.push_back(scale);
    features.push_back({"features_" + number, DType::float32, {1, 1, -1, -1}});
    boxes.push_back({"boxes_" + number, DType::float32, {-1, 4}});
    if (!spec.rpn) continue;
    spec.rpn->objectness_outputs.push_back("objectness_" + number);
    spec.rpn->deltas_outputs.push_back("deltas_" + number);
    spec.rpn->anchors.sizes.push_back({16});
    spec.rpn->anchors.aspect_ratios.push_back({1});
  }
  spec.levels.canonical_scale = 16;
  backbone.outputs = features;
  if (spec.rpn) {
    for (const std::string& name : spec.rpn->objectness_outputs) {
      backbone.outputs.push_back({name, DType::float32, {1, 1, -1, -1}});
    }
    for (const std::string& name : spec.rpn->deltas_outputs) {
      backbone.outputs.push_back({name, DType::float32, {1, 4, -1, -1}});
    }
  }
  if (form.dialect == "tensorrt") {
    boxes = {{"boxes", DType::float32, {-1, 4}}, {"levels", DType::int32, {-1}}};
  }
  GraphFile roi{"roi.onnx", sha256, "fp32", form.dialect, {}, {}};
  roi.inputs = features;
  roi.inputs.insert(roi.inputs.end(), boxes.begin(), boxes.end());
  roi.outputs = {{"logits", DType::float32, {-1, 3}}, {"deltas", DType::float32, {-1, 12}}};
  GraphFile mask{"mask.onnx", sha256, "fp32", form.dialect, roi.inputs, {}};
  mask.inputs.push_back({"labels", DType::int64, {-1}});
  mask.outputs = {{"masks", DType::float32, {-1, 1, -1, -1}}};
  manifest.graphs = {{"trunk", {backbone}}, {"roi", {roi}}};
  if (form.masks) manifest.graphs["mask"] = {mask};
  manifest.postprocess = spec;
  return manifest;
}

/// The manifest as a bundle, read back from a folder that is removed again.
inline Bundle open_as_bundle(const Manifest& manifest) {
  namespace fs = std::filesystem;
  std::random_device random;
  const fs::path folder = fs::temp_directory_path() /
                          ("edgecv_test_" + std::to_string(random()) + std::to_string(random()));
  fs::create_directories(folder);
  std::ofstream(folder / "bundle.json") << manifest.to_json();
  Bundle bundle = Bundle::open(folder.string());
  fs::remove_all(folder);
  return bundle;
}

}  // namespace edgecv::testing
