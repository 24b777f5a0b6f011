// What runs a graph. Pipelines are written once over this interface; ONNX Runtime, TensorRT,
// OpenVINO and test doubles stand behind it. docs/cpp.md has a whole engine, and conformance.hpp a
// check of one.
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

/// A graph that can be run. This is the contract that pipelines rely on; they check what an engine
/// gives them, and raise an Error where it breaks the contract.
///
/// - **Threads.** One caller at a time, on the caller's own thread, which may be another one for
/// each
///   call: a pipeline sees to that for the engines it was given, which should be given to no other.
///   What an engine says about itself (name(), inputs(), outputs(), batch_range()) stays the same
///   for its life and may be asked while it runs, and so may new_context().
/// - **Memory.** Tensors are dense and row-major. Addresses are multiples of the element's size; an
///   engine need not align them further, nor rely on more. Only tensors without elements may be
///   null.
/// - **Lifetime.** What input() gave is the engine's, and stays valid and keeps its values until
/// the
///   next call of input() or bind() for that index; run() leaves inputs as they are, so that a run
///   may be repeated. What output() and output_in_place() gave is valid until the next run(), also
///   while input() and bind() are called.
/// - **Shapes.** Where the graph leaves an axis open, its length may be another one in each run. It
///   may be 0 (a level without boxes) for axes other than the images'; outputs then have no rows,
///   and nobody reads their data.
/// - **Errors.** Error with one line that names the engine. Other exceptions are wrapped in one,
/// but
///   for std::bad_alloc. After an error the next run with fitting inputs works.
class EDGECV_API Engine {
 public:
  virtual ~Engine() = default;

  /// For messages: "onnxruntime".
  virtual std::string name() const { return "the engine"; }

  /// The graph's, in its own order; at least one of each. Open axes are -1.
  virtual const std::vector<TensorSpec>& inputs() const = 0;
  virtual const std::vector<TensorSpec>& outputs() const = 0;

  /// By default the graph's own: one number, or any where the axis is open. Engines that were built
  /// for less say so.
  virtual BatchRange batch_range() const {
    if (inputs().empty() || inputs()[0].shape.empty()) return {1, 1};
    const std::int64_t length = inputs()[0].shape[0];
    if (length <= 0) return {};
    return {static_cast<std::size_t>(length), static_cast<std::size_t>(length)};
  }

  /// Host memory for input `index` in the given shape, of the graph's dtype, to be filled before
  /// run(). A shape that does not fit the graph is an Error, here or in run().
  virtual Tensor input(std::size_t index, const Shape& shape) = 0;

  /// Takes the caller's tensor as input `index`; its memory must live until run() returns, and is
  /// read when it runs. Throws Error (engine) if the engine cannot read the device that it lies on,
  /// or the graph takes another dtype.
  virtual void bind(std::size_t index, const Tensor& tensor) = 0;

  virtual void run() = 0;

  /// Output `index` of the last run in host memory, of the dtype that outputs() says.
  virtual Tensor output(std::size_t index) = 0;

  /// The same where it lies, on the host or on a device, to be bound to another engine without a
  /// copy. Optional.
  virtual Tensor output_in_place(std::size_t index) { return output(index); }

  /// An engine over the same weights with inputs and outputs of its own, which may run at the same
  /// time as this one and outlive it; null where there is none: calls then wait for each other.
  /// Optional.
  virtual std::shared_ptr<Engine> new_context() { return nullptr; }
};

}  // namespace edgecv
