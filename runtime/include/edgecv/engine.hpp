// What runs a graph. Pipelines are written once over this interface; ONNX Runtime, TensorRT,
// OpenVINO and test doubles stand behind it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "edgecv/tensor.hpp"

namespace edgecv {

/// Not thread-safe: one caller at a time, and always on the caller's own thread.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual const std::vector<TensorSpec>& inputs() const = 0;
  virtual const std::vector<TensorSpec>& outputs() const = 0;

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
};

}  // namespace edgecv
