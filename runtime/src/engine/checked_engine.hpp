// Between a pipeline and an engine that somebody else wrote.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/engine/engine.hpp"

namespace edgecv {

/// An exception that has this base, too, leaves an engine as it is: errors and interrupts of an
/// interpreter.
class PassesThrough {
 public:
  virtual ~PassesThrough() = default;
};

/// The same engine, which is held to the contract in engine.hpp: buffers that are null, of another
/// shape, dtype or place than was asked for, or not aligned, become an Error (engine) that names
/// it, and so does any exception but Error, std::bad_alloc and PassesThrough.
class CheckedEngine : public Engine {
 public:
  explicit CheckedEngine(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  std::string name() const override { return engine_->name(); }
  const std::vector<TensorSpec>& inputs() const override { return engine_->inputs(); }
  const std::vector<TensorSpec>& outputs() const override { return engine_->outputs(); }
  BatchRange batch_range() const override;
  Tensor input(std::size_t index, const Shape& shape) override;
  void bind(std::size_t index, const Tensor& tensor) override;
  void run() override;
  Tensor output(std::size_t index) override;
  Tensor output_in_place(std::size_t index) override;
  std::shared_ptr<Engine> new_context() override;

 private:
  template <typename Call>
  auto guarded(Call call) const -> decltype(call());
  [[noreturn]] void refuse(const std::string& what) const;
  void check_tensor(const Tensor& tensor, const TensorSpec& spec, const char* kind) const;

  std::shared_ptr<Engine> engine_;
};

}  // namespace edgecv
