#include "engine/graph_ports.hpp"

#include <algorithm>
#include <utility>

#include "bundle/value_rules.hpp"
#include "edgecv/error.hpp"

namespace edgecv {
namespace {

std::size_t find(const std::vector<TensorSpec>& ports, const std::string& name,
                 const std::string& kind) {
  if (const auto index = look_up(ports, name)) return *index;
  std::string names;
  for (const TensorSpec& port : ports) names += (names.empty() ? "\"" : ", \"") + port.name + "\"";
  throw Error(ErrorCode::engine, "the network has no " + kind + " \"" + name + "\", only " + names +
                                     ": the graph and the manifest do not belong together");
}

}  // namespace

std::optional<std::size_t> look_up(const std::vector<TensorSpec>& ports, const std::string& name) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name) return i;
  }
  return std::nullopt;
}

std::shared_ptr<Engine> require_engine(std::shared_ptr<Engine> engine, const std::string& role) {
  if (!engine) throw Error(ErrorCode::engine, "the graph \"" + role + "\" has no engine");
  return engine;
}

std::size_t find_output(const Engine& engine, const std::string& name) {
  return find(engine.outputs(), name, "output");
}

std::size_t find_input(const Engine& engine, const std::string& name) {
  return find(engine.inputs(), name, "input");
}

void check_image_input(const Engine& engine, const InputSpec& spec) {
  const std::vector<TensorSpec>& inputs = engine.inputs();
  if (inputs.size() != 1) {
    throw Error(ErrorCode::engine, "expected a network with one input, the images; this one has " +
                                       std::to_string(inputs.size()));
  }
  if (inputs[0].dtype != spec.dtype || inputs[0].shape.size() != 4) {
    throw Error(ErrorCode::engine, "input \"" + inputs[0].name + "\" is " +
                                       to_string(inputs[0].dtype) + " " +
                                       to_string(inputs[0].shape) + ", the manifest prepares " +
                                       to_string(spec.dtype) + " with 4 axes");
  }
}

Tensor input_of(Engine& engine, std::size_t index, std::initializer_list<std::int64_t> shape) {
  thread_local Shape spare;
  Shape memory = std::move(spare);  // an engine that calls another model here finds none
  memory = shape;
  Tensor tensor = engine.input(index, memory);
  spare = std::move(memory);
  return tensor;
}

Tensor image_input(Engine& engine, std::size_t index, const InputSpec& spec, std::int64_t batch,
                   Size size) {
  if (spec.layout == Layout::nhwc) {
    return input_of(engine, index, {batch, size.height, size.width, spec.channels()});
  }
  return input_of(engine, index, {batch, spec.channels(), size.height, size.width});
}

std::size_t image_bytes(const InputSpec& spec, Size size) {
  return static_cast<std::size_t>(spec.channels()) * static_cast<std::size_t>(size.height) *
         static_cast<std::size_t>(size.width) * element_size(spec.dtype);
}

Tensor float_output(Engine& engine, std::size_t index,
                    std::initializer_list<std::int64_t> expected) {
  Tensor tensor = engine.output(index);
  const bool fits = tensor.shape.size() == expected.size() &&
                    std::equal(expected.begin(), expected.end(), tensor.shape.begin(), same_length);
  if (!fits || tensor.dtype != DType::float32) {
    throw Error(ErrorCode::engine, "output \"" + engine.outputs()[index].name + "\" came as " +
                                       to_string(tensor.dtype) + " " + to_string(tensor.shape) +
                                       ", the manifest says float32 " + to_string(Shape(expected)));
  }
  return tensor;
}

void check_thresholds(const std::vector<float>& thresholds, int classes) {
  if (!thresholds.empty() && thresholds.size() != static_cast<std::size_t>(classes)) {
    throw Error(ErrorCode::invalid_input, "expected " + std::to_string(classes) +
                                              " thresholds, one for each class, got " +
                                              std::to_string(thresholds.size()));
  }
  for (const float threshold : thresholds) {
    if (!(threshold >= 0 && threshold <= 1)) {
      throw Error(ErrorCode::invalid_input,
                  "thresholds: expected numbers from 0 to 1, got " + shortest_digits(threshold));
    }
  }
}

void change_thresholds(std::vector<float>& thresholds, const std::vector<std::string>& labels,
                       const std::map<std::string, float>& by_name) {
  for (const auto& [name, threshold] : by_name) {
    if (std::find(labels.begin(), labels.end(), name) == labels.end()) {
      std::string known;
      for (const std::string& label : labels) known += (known.empty() ? "" : ", ") + label;
      throw Error(ErrorCode::invalid_input,
                  "thresholds: this bundle has no class \"" + name + "\", only " + known);
    }
    if (!(threshold >= 0 && threshold <= 1)) {
      throw Error(ErrorCode::invalid_input,
                  "thresholds: expected a number from 0 to 1, got " + shortest_digits(threshold));
    }
    // Names may be there twice.
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == name) thresholds[i] = threshold;
    }
  }
}

}  // namespace edgecv
