#include "onnxruntime/run.hpp"

#include <new>
#include <utility>

#include "onnxruntime/nvidia_driver.hpp"

namespace edgecv {
namespace {

/// Whole cache lines, and what the widest vector instructions take.
constexpr std::align_val_t kAlignment{64};

std::size_t bytes_of(const Tensor& tensor) {
  return static_cast<std::size_t>(element_count(tensor.shape)) * element_size(tensor.dtype);
}

}  // namespace

OnnxRuntimeEngine::Run::Run(std::shared_ptr<const onnxruntime::Session> session)
    : session_(std::move(session)),
      host_(place("Cpu", OrtDeviceAllocator, OrtMemTypeDefault)),
      pinned_(nullptr, api().ReleaseMemoryInfo),
      gpu_(nullptr, api().ReleaseMemoryInfo),
      binding_(nullptr, api().ReleaseIoBinding),
      inputs_(session_->inputs.size()),
      outputs_(session_->outputs.size()) {
  OrtIoBinding* binding = nullptr;
  check(api().CreateIoBinding(session_->session.get(), &binding));
  binding_.reset(binding);
  if (!on_gpu()) return;
  gpu_ = place("Cuda", OrtDeviceAllocator, OrtMemTypeDefault);
  // Pinned memory, which a GPU reads and writes at full speed.
  pinned_ = place("CudaPinned", OrtDeviceAllocator, OrtMemTypeCPUOutput);
  OrtAllocator* allocator = nullptr;
  check(api().CreateAllocator(session_->session.get(), pinned_.get(), &allocator));
  pinned_memory_.reset(allocator, api().ReleaseAllocator);
}

std::unique_ptr<OnnxRuntimeEngine::Run> OnnxRuntimeEngine::Run::another() const {
  if (session_->provider.name != "CPUExecutionProvider") return nullptr;
  return std::make_unique<Run>(session_);
}

OnnxRuntimeEngine::Run::Place OnnxRuntimeEngine::Run::place(const char* name, OrtAllocatorType type,
                                                            OrtMemType memory) const {
  OrtMemoryInfo* made = nullptr;
  const bool on_device = name[0] == 'C' && name[1] == 'u';
  check(
      api().CreateMemoryInfo(name, type, on_device ? session_->provider.index : 0, memory, &made));
  return {made, api().ReleaseMemoryInfo};
}

std::shared_ptr<void> OnnxRuntimeEngine::Run::allocate(std::size_t bytes) const {
  const std::size_t least = bytes > 0 ? bytes : 1;  // an empty tensor has an address, too
  if (!pinned_memory_) {
    return {::operator new(least, kAlignment), [](void* p) { ::operator delete(p, kAlignment); }};
  }
  void* memory = nullptr;
  check(api().AllocatorAlloc(pinned_memory_.get(), least, &memory));
  return {memory, [allocator = pinned_memory_](void* p) { allocator->Free(allocator.get(), p); }};
}

Tensor OnnxRuntimeEngine::Run::input(std::size_t index, const Shape& shape) {
  Input& input = inputs_.at(index);
  const bool own = input.memory && input.tensor.data == input.memory.get();
  if (own && input.tensor.shape == shape) return input.tensor;
  Tensor tensor;
  tensor.shape = shape;
  tensor.dtype = session_->inputs[index].dtype;
  const std::size_t bytes = bytes_of(tensor);
  if (!input.memory || input.capacity < bytes) {
    input.memory = allocate(bytes);
    input.capacity = bytes;
  }
  tensor.data = input.memory.get();
  if (input.tensor.shape != shape) outputs_bound_ = false;
  input.tensor = tensor;
  input.bound = false;
  return tensor;
}

void OnnxRuntimeEngine::Run::bind(std::size_t index, const Tensor& tensor) {
  Input& input = inputs_.at(index);
  const TensorSpec& spec = session_->inputs[index];
  if (tensor.dtype != spec.dtype) {
    throw Error(ErrorCode::engine, "input \"" + spec.name + "\": expected " +
                                       to_string(spec.dtype) + ", got " + to_string(tensor.dtype));
  }
  if (tensor.device == Device::cuda) {
    const std::string lies =
        "input \"" + spec.name + "\" lies on cuda:" + std::to_string(tensor.device_index);
    if (!on_gpu()) {
      throw Error(ErrorCode::engine, lies + ": onnxruntime with " + session_->provider.name +
                                         " takes host memory; run all graphs of a bundle on one "
                                         "device");
    }
    if (tensor.device_index != session_->provider.index) {
      throw Error(ErrorCode::engine,
                  lies + ", this engine runs on cuda:" + std::to_string(session_->provider.index));
    }
    if (tensor.stream) onnxruntime::wait_for_stream(tensor.stream, tensor.device_index);
  }
  if (input.tensor.shape != tensor.shape) outputs_bound_ = false;
  input.tensor = tensor;
  input.bound = false;
}

void OnnxRuntimeEngine::Run::bind_inputs() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Input& input = inputs_[i];
    // ONNX Runtime copies host memory to a GPU when it is bound, not when it runs.
    if (input.bound && !on_gpu()) continue;
    const TensorSpec& spec = session_->inputs[i];
    if (!input.tensor.data) {
      throw Error(ErrorCode::engine, "onnxruntime failed: nothing was given for input \"" +
                                         spec.name + "\" " + to_string(spec.shape));
    }
    const OrtMemoryInfo* where = input.tensor.device == Device::cuda ? gpu_.get() : host_.get();
    OrtValue* made = nullptr;
    check(api().CreateTensorWithDataAsOrtValue(where, input.tensor.data, bytes_of(input.tensor),
                                               input.tensor.shape.data(), input.tensor.shape.size(),
                                               onnxruntime::to_onnx(spec.dtype), &made));
    const Value value(made, api().ReleaseValue);
    check(api().BindInput(binding_.get(), spec.name.c_str(), made));
    input.bound = true;
  }
}

/// A binding keeps the outputs of its first run, in their shapes, as memory for the next.
void OnnxRuntimeEngine::Run::bind_outputs() {
  values_.clear();
  api().ClearBoundOutputs(binding_.get());
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Output& output = outputs_[i];
    const OrtMemoryInfo* where = host_.get();
    if (on_gpu()) {
      where = output.wanted_there && !output.wanted_here ? gpu_.get() : pinned_.get();
    }
    check(api().BindOutputToDevice(binding_.get(), session_->outputs[i].name.c_str(), where));
  }
}

void OnnxRuntimeEngine::Run::read_outputs() {
  OrtValue** values = nullptr;
  std::size_t count = 0;
  check(api().GetBoundOutputValues(binding_.get(), session_->allocator, &values, &count));
  for (std::size_t i = 0; i < count; ++i) values_.emplace_back(values[i], api().ReleaseValue);
  if (values) check(api().AllocatorFree(session_->allocator, values));
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Output& output = outputs_[i];
    Tensor tensor;
    tensor.dtype = session_->outputs[i].dtype;
    OrtTensorTypeAndShapeInfo* made = nullptr;
    check(api().GetTensorTypeAndShape(values_.at(i).get(), &made));
    const onnxruntime::Handle<OrtTensorTypeAndShapeInfo> info(made,
                                                              api().ReleaseTensorTypeAndShapeInfo);
    std::size_t axes = 0;
    check(api().GetDimensionsCount(made, &axes));
    tensor.shape.resize(axes);
    check(api().GetDimensions(made, tensor.shape.data(), axes));
    check(api().GetTensorMutableData(values_[i].get(), &tensor.data));
    if (on_gpu() && output.wanted_there && !output.wanted_here) {
      tensor.device = Device::cuda;
      tensor.device_index = session_->provider.index;
    }
    output.tensor = std::move(tensor);
  }
}

OrtStatus* OnnxRuntimeEngine::Run::run_binding() {
  return api().RunWithBinding(session_->session.get(), nullptr, binding_.get());
}

void OnnxRuntimeEngine::Run::run() {
  for (Output& output : outputs_) output.copied = false;
  bool fresh = !outputs_bound_ || shapes_vary_;
  outputs_bound_ = false;  // an error leaves them so
  bind_inputs();
  if (fresh) bind_outputs();
  OrtStatus* status = run_binding();
  if (status && !fresh) {
    // An output has another shape than in the run before, or the network fails again.
    api().ReleaseStatus(status);
    bind_outputs();
    status = run_binding();
    fresh = true;
    shapes_vary_ = !status;
  }
  check(status);
  if (on_gpu()) check(api().SynchronizeBoundOutputs(binding_.get()));
  if (fresh) read_outputs();
  outputs_bound_ = true;
}

Tensor OnnxRuntimeEngine::Run::output(std::size_t index) {
  Output& output = outputs_.at(index);
  if (output.tensor.device == Device::cpu) {
    output.wanted_here = true;
    return output.tensor;
  }
  if (!output.copied) {
    output.copy.resize(bytes_of(output.tensor) + 1);
    onnxruntime::copy_from_gpu(output.copy.data(), output.tensor.data, bytes_of(output.tensor),
                               output.tensor.device_index);
    output.copied = true;
  }
  Tensor tensor = output.tensor;
  tensor.data = output.copy.data();
  tensor.device = Device::cpu;
  return tensor;
}

Tensor OnnxRuntimeEngine::Run::output_in_place(std::size_t index) {
  Output& output = outputs_.at(index);
  // The first run left it on the host, where it serves as well; the next leaves it where it is
  // made.
  if (on_gpu() && !output.wanted_there) {
    output.wanted_there = true;
    if (!output.wanted_here) outputs_bound_ = false;
  }
  return output.tensor;
}

}  // namespace edgecv
