#include "edgecv/engine/conformance.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "edgecv/error.hpp"
#include "refusal.hpp"

using edgecv::DType;
using edgecv::Engine;
using edgecv::engine_conformance;
using edgecv::ErrorCode;
using edgecv::Shape;
using edgecv::Tensor;
using edgecv::TensorSpec;

namespace {

/// Doubles floats [n, 4] and hands on integers [n]. What it does wrong, if anything, stands in
/// `fault`.
class Doubler : public Engine {
 public:
  explicit Doubler(std::string fault = "") : fault_(std::move(fault)) {
    if (fault_ == "a name twice") outputs_[1].name = "doubled";
    if (fault_ == "no outputs") outputs_.clear();
  }

  std::string name() const override { return "doubler"; }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }

  Tensor input(std::size_t index, const Shape& shape) override {
    Port& port = ports_[index];
    require(index, shape, inputs_[index].dtype);
    const bool kept = fault_ == "stale input() after bind()" && port.tensor.shape == shape;
    if (!kept) port = Port{};
    port.tensor.shape = shape;
    port.tensor.dtype = inputs_[index].dtype;
    port.memory.resize(bytes_of(port.tensor) + 16);
    Tensor given = port.tensor;
    given.data = port.memory.data();
    if (!kept) port.tensor = given;
    if (fault_ == "shared input memory") given.data = ports_[0].memory.data();
    if (fault_ == "null input") given.data = nullptr;
    if (fault_ == "short input" && !shape.empty()) given.shape[0] = 0;
    if (fault_ == "input of another dtype") given.dtype = DType::uint8;
    if (fault_ == "input on a GPU") given.device = edgecv::Device::cuda;
    if (fault_ == "crooked input") given.data = port.memory.data() + 1;
    return given;
  }

  void bind(std::size_t index, const Tensor& tensor) override {
    if (fault_ != "bind() of another dtype") require(index, tensor.shape, tensor.dtype);
    if (fault_ == "bind() copies") {
      const Tensor own = input(index, tensor.shape);
      if (tensor.data && bytes_of(own) > 0) std::memcpy(own.data, tensor.data, bytes_of(own));
      return;
    }
    ports_[index].tensor = tensor;
  }

  void run() override {
    if (fault_ == "run() throws") throw std::runtime_error("out of coffee\nand of tea");
    if (fault_ == "run() throws a number") throw 7;
    ++runs_;
    const Tensor& values = ports_[0].tensor;
    if (fault_ == "zero rows" && values.shape[0] == 0) throw edgecv::Error(ErrorCode::engine, "0");
    const auto count = static_cast<std::size_t>(edgecv::element_count(values.shape));
    auto& result = fault_ == "shared contexts" ? shared() : result_;
    result.resize(count + 1);
    for (std::size_t i = 0; i < count; ++i) result[i] = 2 * values.as<float>()[i];
    if (fault_ == "other results each time") result[0] += static_cast<float>(runs_);
    if (fault_ == "inputs are changed" && count > 0) values.as<float>()[0] += 1;
    copied_ = ports_[1].tensor;
    labels_.resize(bytes_of(copied_) + 8);
    if (bytes_of(copied_) > 0) std::memcpy(labels_.data(), copied_.data, bytes_of(copied_));
    shape_ = values.shape;
  }

  Tensor output(std::size_t index) override {
    if (fault_ == "output() throws") throw edgecv::Error(ErrorCode::engine, "two\nlines");
    Tensor tensor;
    if (index == 1) {
      tensor = copied_;
      tensor.data = labels_.data();
      return tensor;
    }
    tensor.data = fault_ == "shared contexts" ? shared().data() : result_.data();
    tensor.shape = shape_;
    if (fault_ == "null output") tensor.data = nullptr;
    if (fault_ == "output of another dtype") tensor.dtype = DType::int32;
    if (fault_ == "output of another rank") tensor.shape.push_back(1);
    if (fault_ == "negative output") tensor.shape[0] = -1;
    return tensor;
  }

  Tensor output_in_place(std::size_t index) override {
    Tensor tensor = output(index);
    if (fault_ == "another output in place" && index == 0) {
      elsewhere_.assign(result_.size(), 7);
      tensor.data = elsewhere_.data();
    }
    return tensor;
  }

  edgecv::BatchRange batch_range() const override {
    if (fault_ == "batch range") return {3, 2};
    return {};
  }

  std::shared_ptr<Engine> new_context() override {
    if (fault_ == "itself as context") return {this, [](Engine*) {}};
    if (fault_ == "other ports in a context") return std::make_shared<Doubler>("a name twice");
    return std::make_shared<Doubler>(fault_);
  }

 private:
  struct Port {
    std::vector<unsigned char> memory;
    Tensor tensor;
  };

  static std::size_t bytes_of(const Tensor& tensor) {
    return static_cast<std::size_t>(edgecv::element_count(tensor.shape)) *
           edgecv::element_size(tensor.dtype);
  }
  static std::vector<float>& shared() {
    static std::vector<float> memory(64);
    return memory;
  }
  void require(std::size_t index, const Shape& shape, DType dtype) const {
    const Shape& spec = inputs_[index].shape;
    const bool fits = shape.size() == spec.size() && (index == 1 || shape[1] == 4);
    if ((!fits && fault_ != "takes every shape") || dtype != inputs_[index].dtype) {
      throw edgecv::Error(ErrorCode::engine, "doubler takes no " + edgecv::to_string(shape));
    }
  }

  std::string fault_;
  std::vector<TensorSpec> inputs_{{"values", DType::float32, {-1, 4}},
                                  {"labels", DType::int64, {-1}}};
  std::vector<TensorSpec> outputs_{{"doubled", DType::float32, {-1, 4}},
                                   {"same", DType::int64, {-1}}};
  Port ports_[2];
  std::vector<float> result_, elsewhere_;
  std::vector<unsigned char> labels_;
  Tensor copied_;
  Shape shape_;
  int runs_ = 0;
};

const std::vector<std::vector<Shape>> kShapes = {{{2, 4}, {2}}, {{3, 4}, {1}}, {{0, 4}, {0}}};

/// The lines, one after the other.
std::string broken(Engine& engine) {
  std::string all;
  for (const std::string& line : engine_conformance(engine, kShapes)) all += line + "\n";
  return all;
}

std::string broken(const std::string& fault) {
  Doubler engine(fault);
  return broken(engine);
}

bool tells(const std::string& fault, const std::string& text) {
  const std::string told = broken(fault);
  const bool found = told.find(text) != std::string::npos;
  if (!found) MESSAGE(fault << " is told as:\n" << told);
  return found;
}

}  // namespace

TEST_CASE("an engine that keeps the contract") { CHECK(broken("") == ""); }

TEST_CASE("each fault of an engine is told") {
  CHECK(tells("a name twice", "it describes itself: outputs() has \"doubled\" twice"));
  CHECK(tells("no outputs", "it describes itself: outputs() is empty"));
  CHECK(tells("batch range", "takes from 3 to 2 images in a run"));
  CHECK(tells("null input", "it runs: doubler gave the input \"values\" [2, 4] without memory"));
  CHECK(tells("short input", "it runs: doubler gave an input buffer of shape [0, 4] for [2, 4]"));
  CHECK(tells("input of another dtype", "as uint8, and says that it is float32"));
  CHECK(tells("input on a GPU", "in the memory of a GPU"));
  CHECK(tells("crooked input", "at an address that is no multiple of 4, the size of float32"));
  CHECK(tells("shared input memory", "it runs on the caller's memory: "));
  CHECK(tells("stale input() after bind()", "it runs on the caller's memory: "));
  CHECK(tells("bind() copies", "it runs on the caller's memory: outputs differ"));
  CHECK(tells("bind() of another dtype", "an error for another dtype: it took int64"));
  CHECK(tells("takes every shape", "for a shape that does not fit: it took [2, 4, 1]"));
  CHECK(tells("run() throws", "it runs: doubler failed: out of coffee"));
  CHECK(tells("run() throws a number", "doubler failed, with an exception that says nothing"));
  CHECK(tells("zero rows", "it runs in other shapes: 0"));
  CHECK(tells("other results each time", "gives the same: outputs differ"));
  CHECK(tells("inputs are changed", "a run changed its inputs"));
  CHECK(tells("null output", "it runs: doubler gave the output \"doubled\" [2, 4] without memory"));
  CHECK(tells("output of another dtype", "as int32, and says that it is float32"));
  CHECK(tells("output of another rank", "came as [2, 4, 1], and outputs() says [?, 4]"));
  CHECK(tells("negative output", "in the shape [?, 4]"));
  CHECK(tells("another output in place", "its values differ from those of output()"));
  CHECK(tells("itself as context", "doubler gave itself as a further context"));
  CHECK(tells("other ports in a context", "a further context with other inputs or outputs"));
  CHECK(tells("shared contexts", "a further context has inputs and outputs of its own: "));
}

TEST_CASE("shapes that the engine does not describe are the caller's mistake") {
  Doubler engine;
  const auto refused = [&](const std::vector<Shape>& shapes) {
    return edgecv::testing::refusal(ErrorCode::invalid_input,
                                    [&] { engine_conformance(engine, {shapes}); });
  };
  CHECK(refused({{2, 4}}) == "shapes: expected one for each of 2 inputs, got 1");
  CHECK(edgecv::testing::refusal(ErrorCode::invalid_input, [&] {
          engine_conformance(engine, {});
        }) == "shapes: expected a set with one for each input");
  CHECK(refused({{2, 5}, {2}}) == "shapes: \"values\" is [?, 4], got [2, 5]");
}
