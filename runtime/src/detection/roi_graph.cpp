#include "detection/roi_graph.hpp"

#include <algorithm>
#include <utility>

#include "edgecv/error.hpp"
#include "engine/graph_ports.hpp"

namespace edgecv {
namespace {

std::size_t find_box_input(const Engine& engine, const std::string& name, DType dtype,
                           std::size_t axes) {
  const std::size_t index = find_input(engine, name);
  const TensorSpec& input = engine.inputs()[index];
  if (input.dtype != dtype || input.shape.size() != axes) {
    throw Error(ErrorCode::engine, "input \"" + name + "\" is " + to_string(input.dtype) + " " +
                                       to_string(input.shape) + ", expected " + to_string(dtype) +
                                       " " + to_string(axes == 2 ? Shape{-1, 4} : Shape{-1}));
  }
  return index;
}

}  // namespace

RoiGraph::RoiGraph(const Engine& engine, const std::string& role,
                   const std::vector<std::string>& features, const LevelSpec& levels,
                   bool takes_labels)
    : levels_(levels) {
  for (const std::string& name : features) feature_inputs_.push_back(find_input(engine, name));
  const bool in_one_input = look_up(engine.inputs(), "boxes").has_value();
  if (in_one_input) {
    boxes_input_ = find_box_input(engine, "boxes", DType::float32, 2);
    levels_input_ = find_box_input(engine, "levels", DType::int32, 1);
  } else {
    for (std::size_t level = 0; level < features.size(); ++level) {
      level_inputs_.push_back(
          find_box_input(engine, "boxes_" + std::to_string(level), DType::float32, 2));
    }
  }
  if (takes_labels) labels_input_ = find_box_input(engine, "labels", DType::int64, 1);
  const std::size_t expected =
      features.size() + (in_one_input ? 2 : features.size()) + takes_labels;
  if (engine.inputs().size() != expected) {
    throw Error(ErrorCode::engine, "the graph \"" + role + "\" takes " +
                                       std::to_string(engine.inputs().size()) +
                                       " inputs, the manifest gives " + std::to_string(expected));
  }
}

RoiRun::RoiRun(const RoiGraph& graph, Engine& engine, const Recycled<Tensor>& features,
               const std::vector<float>& boxes, const std::int64_t* labels)
    : engine_(engine) {
  const std::size_t count = boxes.size() / 4;
  const auto rows = static_cast<std::int64_t>(count);
  for (std::size_t i = 0; i < features.size(); ++i)
    engine.bind(graph.feature_inputs_[i], features[i]);

  Recycled<std::int32_t> levels(count);
  assign_levels(graph.levels_, boxes.data(), count, levels.data());
  if (graph.level_inputs_.empty()) {
    std::copy(boxes.begin(), boxes.end(),
              input_of(engine, graph.boxes_input_, {rows, 4}).as<float>());
    std::copy(levels.begin(), levels.end(),
              input_of(engine, graph.levels_input_, {rows}).as<std::int32_t>());
  } else {
    for (std::size_t level = 0; level < graph.level_inputs_.size(); ++level) {
      const std::size_t begin = order_.size();
      for (std::size_t i = 0; i < count; ++i) {
        if (levels[i] == static_cast<std::int32_t>(level)) order_.push_back(i);
      }
      const auto here = static_cast<std::int64_t>(order_.size() - begin);
      auto* level_boxes = input_of(engine, graph.level_inputs_[level], {here, 4}).as<float>();
      for (std::size_t row = begin; row < order_.size(); ++row) {
        level_boxes = std::copy_n(&boxes[order_[row] * 4], 4, level_boxes);
      }
    }
  }
  if (std::is_sorted(order_.begin(), order_.end())) order_.clear();

  if (labels == nullptr) return;
  auto* ordered = input_of(engine, graph.labels_input_, {rows}).as<std::int64_t>();
  for (std::size_t row = 0; row < count; ++row) {
    ordered[row] = labels[order_.empty() ? row : order_[row]];
  }
}

Tensor RoiRun::rows(std::size_t output, std::initializer_list<std::int64_t> expected) const {
  Tensor tensor = float_output(engine_, output, expected);
  if (order_.empty()) return tensor;

  const std::size_t width = static_cast<std::size_t>(element_count(tensor.shape)) / order_.size();
  const auto ordered = std::make_shared<Recycled<float>>(order_.size() * width);
  for (std::size_t row = 0; row < order_.size(); ++row) {
    std::copy_n(tensor.as<float>() + row * width, width, &(*ordered)[order_[row] * width]);
  }
  tensor.data = ordered->data();
  tensor.owner = ordered;
  return tensor;
}

}  // namespace edgecv
