// What runs a graph. Pipelines are written once over this interface; ONNX Runtime, TensorRT,
// OpenVINO and test doubles stand behind it. docs/cpp.md has a whole engine.
//
//   std::shared_ptr<edgecv::Engine> engine;
//   const edgecv::Tensor input = engine->input(0, {1, 3, 320, 320});
//   std::fill_n(input.as<float>(), edgecv::element_count(input.shape), 0.f);
//   engine->run();
//   const edgecv::Tensor output = engine->output(0);
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/engine/tensor.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

/// How many images one run takes along the first axis of input 0.
struct BatchRange {
  std::size_t lowest = 1;
  std::size_t highest = (std::numeric_limits<std::size_t>::max)();
};

/// One caller at a time, on the caller's own thread, which may be another one for each call: a
/// pipeline sees to that for the engines it was given, which should be given to no other. What an
/// engine says about itself (inputs(), outputs(), batch_range()) stays the same for its life and
/// may be asked while it runs.
class EDGECV_API Engine {
 public:
  virtual ~Engine() = default;

  virtual const std::vector<TensorSpec>& inputs() const = 0;
  virtual const std::vector<TensorSpec>& outputs() const = 0;

  /// By default the graph's own: one number, or any where the axis is open. Engines that were built
  /// for less say so.
  virtual BatchRange batch_range() const {
    const std::int64_t length = inputs()[0].shape[0];
    if (length <= 0) return {};
    return {static_cast<std::size_t>(length), static_cast<std::size_t>(length)};
  }

  /// Memory for input `index` in the given shape, to be filled before run(). It belongs to the
  /// engine and stays valid until the next call of input() or bind() for that index.
  virtual Tensor input(std::size_t index, const Shape& shape) = 0;

  /// Takes the caller's tensor as input `index`; its memory must live until run() returns. Throws
  /// Error (engine) if the engine cannot read the device that it lies on.
  virtual void bind(std::size_t index, const Tensor& tensor) = 0;

  virtual void run() = 0;

  /// Output `index` of the last run in host memory, valid until the next run().
  virtual Tensor output(std::size_t index) = 0;

  /// The same where it lies, on the host or on a device, to be bound to another engine without a
  /// copy.
  virtual Tensor output_in_place(std::size_t index) { return output(index); }

  /// An engine over the same weights with inputs and outputs of its own, which may run at the same
  /// time as this one; null where there is none: calls then wait for each other. May be asked while
  /// this one runs.
  virtual std::shared_ptr<Engine> new_context() { return nullptr; }
};

}  // namespace edgecv
