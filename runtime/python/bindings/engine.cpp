#include "edgecv/engine.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nanobind/trampoline.h>

#include "tensors.hpp"

namespace edgecv::bindings {
namespace {

/// A method that a Python class must have; an error names it if it does not. What
/// NB_OVERRIDE_PURE does, but that the result stays a Python object.
class Override {
 public:
  Override(const nb::detail::trampoline& trampoline, const char* name)
      : self_(trampoline.base()), ticket_(trampoline, name, nb::detail::str_hash(name), true) {}

  template <typename... Args>
  nb::object operator()(Args&&... args) const {
    return self_.attr(ticket_.key)(std::forward<Args>(args)...);
  }

 private:
  nb::handle self_;
  nb::detail::ticket ticket_;
};

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
    const Override method(nb_trampoline, "input");
    const Tensor tensor = to_tensor(method(index, nb::tuple(nb::cast(shape))));
    if (tensor.shape != shape) {
      throw Error(ErrorCode::engine, "the engine gave an input buffer of shape " +
                                         to_string(tensor.shape) + " for " + to_string(shape));
    }
    return tensor;
  }

  void bind(std::size_t index, const Tensor& tensor) override {
    nb::gil_scoped_acquire acquire;
    const Override method(nb_trampoline, "bind");
    method(index, to_array(tensor));
  }

  void run() override {
    nb::gil_scoped_acquire acquire;
    const Override method(nb_trampoline, "run");
    method();
  }

  Tensor output(std::size_t index) override {
    nb::gil_scoped_acquire acquire;
    const Override method(nb_trampoline, "output");
    return to_tensor(method(index));
  }

 private:
  std::vector<TensorSpec> inputs_, outputs_;
};

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<Engine, PythonEngine>(m, "Engine")
      .def(nb::init<std::vector<TensorSpec>, std::vector<TensorSpec>>(), nb::arg("inputs"),
           nb::arg("outputs"))
      .def_prop_ro("inputs", &Engine::inputs)
      .def_prop_ro("outputs", &Engine::outputs)
      .def(
          "input",
          [](Engine& engine, std::size_t index, const Shape& shape) {
            return to_array(engine.input(index, shape));
          },
          nb::arg("index"), nb::arg("shape"),
          nb::sig("def input(self, index: int, shape: tuple[int, ...]) -> NDArray"))
      .def(
          "bind",
          [](Engine& engine, std::size_t index, nb::handle array) {
            engine.bind(index, to_tensor(array));
          },
          nb::arg("index"), nb::arg("array"),
          nb::sig("def bind(self, index: int, array: NDArray) -> None"))
      .def("run", &Engine::run, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "output",
          [](Engine& engine, std::size_t index) { return to_array(engine.output(index)); },
          nb::arg("index"));
}

}  // namespace edgecv::bindings
