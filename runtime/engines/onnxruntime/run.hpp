// One context of an engine: what is bound to a session, and where its inputs and outputs lie.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "edgecv/engine/onnxruntime.hpp"
#include "onnxruntime/session.hpp"

namespace edgecv {

class OnnxRuntimeEngine::Run {
 public:
  explicit Run(std::shared_ptr<const onnxruntime::Session> session);

  const onnxruntime::Session& session() const { return *session_; }
  /// Null on a GPU.
  std::unique_ptr<Run> another() const;

  Tensor input(std::size_t index, const Shape& shape);
  void bind(std::size_t index, const Tensor& tensor);
  void run();
  Tensor output(std::size_t index);
  Tensor output_in_place(std::size_t index);

 private:
  using Value = onnxruntime::Handle<OrtValue>;
  using Place = onnxruntime::Handle<OrtMemoryInfo>;

  struct Input {
    Tensor tensor;                 // what the next run reads
    std::shared_ptr<void> memory;  // the engine's own
    std::size_t capacity = 0;      // of it, in bytes
    bool bound = false;            // whether the binding has `tensor`
  };
  struct Output {
    Tensor tensor;              // of the last run
    bool wanted_here = false;   // somebody reads it on the host
    bool wanted_there = false;  // another engine takes it where it lies
    std::vector<char> copy;     // of one on the GPU
    bool copied = false;
  };

  const OrtApi& api() const { return session_->library->api(); }
  void check(OrtStatus* status) const { session_->library->check(status); }
  bool on_gpu() const { return session_->provider.placement == onnxruntime::Placement::cuda; }
  Place place(const char* name, OrtAllocatorType type, OrtMemType memory) const;
  std::shared_ptr<void> allocate(std::size_t bytes) const;
  void bind_inputs();
  void bind_outputs();
  void read_outputs();
  OrtStatus* run_binding();

  std::shared_ptr<const onnxruntime::Session> session_;
  Place host_, pinned_, gpu_;  // the last two null without a GPU
  std::shared_ptr<OrtAllocator> pinned_memory_;
  onnxruntime::Handle<OrtIoBinding> binding_;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<Value> values_;  // the outputs' memory, which the binding uses again and again
  bool outputs_bound_ = false;
  bool shapes_vary_ = false;  // outputs have shapes that depend on values
};

}  // namespace edgecv
