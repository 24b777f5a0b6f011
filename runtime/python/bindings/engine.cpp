#include "edgecv/engine.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nanobind/trampoline.h>

#include "tensors.hpp"

namespace edgecv::bindings {
namespace {

/// An engine written in Python. The GIL is taken for each call and only then.
class PythonEngine : public Engine {
 public:
  NB_TRAMPOLINE(Engine);

  PythonEngine(std::vector<TensorSpec> inputs, std::vector<TensorSpec> outputs)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }

  Tensor input(std::size_t index, const Shape& shape) override {
    nb::gil_scoped_acquire acquire;
    const Tensor tensor = to_tensor(method("input")(index, shape));
    if (tensor.shape != shape) {
      throw Error(ErrorCode::engine, "the engine gave an input buffer of shape " +
                                         to_string(tensor.shape) + " for " + to_string(shape));
    }
    return tensor;
  }

  void bind(std::size_t index, const Tensor& tensor) override {
    nb::gil_scoped_acquire acquire;
    method("bind")(index, to_array(tensor));
  }

  void run() override {
    nb::gil_scoped_acquire acquire;
    method("run")();
  }

  Tensor output(std::size_t index) override {
    nb::gil_scoped_acquire acquire;
    return to_tensor(method("output")(index));
  }

 private:
  nb::object method(const char* name) const { return nb_trampoline.base().attr(name); }

  std::vector<TensorSpec> inputs_, outputs_;
};

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<Engine, PythonEngine>(m, "Engine")
      .def(nb::init<std::vector<TensorSpec>, std::vector<TensorSpec>>(), nb::arg("inputs"),
           nb::arg("outputs"))
      .def_prop_ro("inputs", &Engine::inputs)
      .def_prop_ro("outputs", &Engine::outputs);
}

}  // namespace edgecv::bindings
