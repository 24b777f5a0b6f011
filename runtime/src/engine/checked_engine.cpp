#include "engine/checked_engine.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

std::string first_line(const char* text) {
  const std::string whole = text;
  return whole.substr(0, whole.find_first_of("\r\n"));
}

bool same_ports(const std::vector<TensorSpec>& a, const std::vector<TensorSpec>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto& one, auto& other) {
    return one.name == other.name && one.dtype == other.dtype && one.shape == other.shape;
  });
}

}  // namespace

template <typename Call>
auto CheckedEngine::guarded(Call call) const -> decltype(call()) {
  try {
    return call();
  } catch (const PassesThrough&) {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    refuse(" failed: " + first_line(error.what()));
  } catch (...) {
    refuse(" failed, with an exception that says nothing");
  }
}

void CheckedEngine::refuse(const std::string& what) const {
  throw Error(ErrorCode::engine, name() + what);
}

void CheckedEngine::check_tensor(const Tensor& tensor, const TensorSpec& spec,
                                 const char* kind) const {
  // Only where it is needed: good tensors ask for no memory.
  const auto gave = [&] { return std::string(" gave ") + kind + " \"" + spec.name + "\" "; };
  if (std::any_of(tensor.shape.begin(), tensor.shape.end(), [](auto axis) { return axis < 0; })) {
    refuse(gave() + "in the shape " + to_string(tensor.shape));
  }
  if (tensor.dtype != spec.dtype) {
    refuse(gave() + "as " + to_string(tensor.dtype) + ", and says that it is " +
           to_string(spec.dtype));
  }
  std::int64_t count = 0;
  try {
    count = element_count(tensor.shape);
  } catch (const Error& error) {
    refuse(gave() + "wrongly: " + error.what());
  }
  if (count == 0) return;
  if (!tensor.data) refuse(gave() + to_string(tensor.shape) + " without memory");
  if (reinterpret_cast<std::uintptr_t>(tensor.data) % element_size(tensor.dtype) != 0) {
    refuse(gave() + "at an address that is no multiple of " +
           std::to_string(element_size(tensor.dtype)) + ", the size of " + to_string(tensor.dtype));
  }
}

BatchRange CheckedEngine::batch_range() const {
  const BatchRange range = guarded([&] { return engine_->batch_range(); });
  if (range.lowest < 1 || range.lowest > range.highest) {
    refuse(" takes from " + std::to_string(range.lowest) + " to " + std::to_string(range.highest) +
           " images in a run: expected 1 or more, in this order");
  }
  return range;
}

Tensor CheckedEngine::input(std::size_t index, const Shape& shape) {
  Tensor tensor = guarded([&] { return engine_->input(index, shape); });
  if (tensor.shape != shape) {
    refuse(" gave an input buffer of shape " + to_string(tensor.shape) + " for " +
           to_string(shape));
  }
  check_tensor(tensor, inputs()[index], "the input");
  if (tensor.device != Device::cpu) {
    refuse(" gave the input \"" + inputs()[index].name + "\" in the memory of a GPU");
  }
  return tensor;
}

void CheckedEngine::bind(std::size_t index, const Tensor& tensor) {
  guarded([&] { engine_->bind(index, tensor); });
}

void CheckedEngine::run() {
  guarded([&] { engine_->run(); });
}

Tensor CheckedEngine::output(std::size_t index) {
  Tensor tensor = guarded([&] { return engine_->output(index); });
  check_tensor(tensor, outputs()[index], "the output");
  if (tensor.device != Device::cpu) {
    refuse(" gave the output \"" + outputs()[index].name + "\" in the memory of a GPU");
  }
  return tensor;
}

Tensor CheckedEngine::output_in_place(std::size_t index) {
  Tensor tensor = guarded([&] { return engine_->output_in_place(index); });
  check_tensor(tensor, outputs()[index], "the output");
  return tensor;
}

std::shared_ptr<Engine> CheckedEngine::new_context() {
  std::shared_ptr<Engine> made = guarded([&] { return engine_->new_context(); });
  if (!made) return nullptr;
  if (made == engine_) refuse(" gave itself as a further context");
  if (!same_ports(made->inputs(), inputs()) || !same_ports(made->outputs(), outputs())) {
    refuse(" gave a further context with other inputs or outputs");
  }
  return std::make_shared<CheckedEngine>(std::move(made));
}

}  // namespace edgecv
