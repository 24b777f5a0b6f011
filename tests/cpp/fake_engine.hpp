// An engine that gives what the test puts in.
#pragma once

#include <cstddef>
#include <vector>

#include "edgecv/engine/engine.hpp"

namespace edgecv::testing {

class FakeEngine : public Engine {
 public:
  FakeEngine(std::vector<TensorSpec> inputs, std::vector<TensorSpec> outputs)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)), results(outputs_.size()) {}

  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }

  Tensor input(std::size_t index, const Shape& shape) override {
    input_memory.assign(element_count(shape) * element_size(inputs_[index].dtype), 0xff);
    return {input_memory.data(), shape, inputs_[index].dtype, Device::cpu, 0, nullptr, nullptr};
  }
  void bind(std::size_t, const Tensor&) override {}
  void run() override { ++runs; }
  Tensor output(std::size_t index) override { return results[index]; }

 private:
  std::vector<TensorSpec> inputs_, outputs_;

 public:
  std::vector<unsigned char> input_memory;
  std::vector<Tensor> results;
  int runs = 0;
};

}  // namespace edgecv::testing
