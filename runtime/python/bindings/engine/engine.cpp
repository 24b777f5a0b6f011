#include "edgecv/engine/engine.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nanobind/trampoline.h>

#include "engine/checked_engine.hpp"
#include "engine/tensors.hpp"
#include "enums.hpp"

namespace edgecv::bindings {
namespace {

/// What an engine in Python is given: an array, or, for memory of a device, a DeviceTensor.
nb::object to_object(const Tensor& tensor) {
  if (tensor.device == Device::cpu) return nb::cast(to_array(tensor));
  return nb::cast(tensor);
}

Tensor from_object(nb::handle object) {
  if (nb::isinstance<Tensor>(object)) return nb::cast<Tensor>(object);
  return to_tensor(object);
}

/// Holds a Python object for as long as a tensor needs it.
std::shared_ptr<void> keep_alive(nb::object object) {
  return {new nb::object(std::move(object)), [](void* held) {
            nb::gil_scoped_acquire acquire;
            delete static_cast<nb::object*>(held);
          }};
}

/// What Python raised, on its way through the core: an interrupt stays one.
class PythonError : public nb::python_error, public PassesThrough {
 public:
  explicit PythonError(nb::python_error&& error) : nb::python_error(std::move(error)) {}
};

/// Calls with the GIL held.
template <typename Call>
auto in_python(Call call) {
  nb::gil_scoped_acquire acquire;
  try {
    return call();
  } catch (nb::python_error& error) {
    throw PythonError(std::move(error));
  }
}

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

  std::string name() const override {
    return in_python(
        [&] { return nb::cast<std::string>(nb_trampoline.base().type().attr("__name__")); });
  }

  BatchRange batch_range() const override {
    return in_python([&] {
      // The class of a Python engine need not have this method.
      const nb::detail::ticket ticket(nb_trampoline, "batch_range",
                                      nb::detail::str_hash("batch_range"), false);
      if (!ticket.key.is_valid()) return Engine::batch_range();
      const auto [lowest, highest] =
          nb::cast<std::pair<std::size_t, std::size_t>>(nb_trampoline.base().attr(ticket.key)());
      return BatchRange{lowest, highest};
    });
  }

  Tensor input(std::size_t index, const Shape& shape) override {
    return in_python([&] {
      const Override method(nb_trampoline, "input");
      return to_tensor(method(index, nb::tuple(nb::cast(shape))));
    });
  }

  void bind(std::size_t index, const Tensor& tensor) override {
    in_python([&] {
      const Override method(nb_trampoline, "bind");
      method(index, to_object(tensor));
    });
  }

  void run() override {
    in_python([&] {
      const Override method(nb_trampoline, "run");
      method();
    });
  }

  Tensor output(std::size_t index) override {
    return in_python([&] {
      const Override method(nb_trampoline, "output");
      return to_tensor(method(index));
    });
  }

  Tensor output_in_place(std::size_t index) override {
    return in_python([&] {
      // The class of a Python engine need not have this method.
      const nb::detail::ticket ticket(nb_trampoline, "output_in_place",
                                      nb::detail::str_hash("output_in_place"), false);
      if (!ticket.key.is_valid()) return output(index);
      return from_object(nb_trampoline.base().attr(ticket.key)(index));
    });
  }

  std::shared_ptr<Engine> new_context() override {
    return in_python([&]() -> std::shared_ptr<Engine> {
      // The class of a Python engine need not have this method.
      const nb::detail::ticket ticket(nb_trampoline, "new_context",
                                      nb::detail::str_hash("new_context"), false);
      if (!ticket.key.is_valid()) return nullptr;
      const nb::object made = nb_trampoline.base().attr(ticket.key)();
      return made.is_none() ? nullptr : nb::cast<std::shared_ptr<Engine>>(made);
    });
  }

 private:
  std::vector<TensorSpec> inputs_, outputs_;
};

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<Tensor>(m, "DeviceTensor",
                     "A dense array in the memory of a CUDA device, kept alive by `owner`.")
      .def(
          "__init__",
          [](Tensor* self, std::uintptr_t address, Shape shape, const std::string& dtype,
             int device_index, std::uintptr_t stream, nb::object owner) {
            new (self) Tensor;
            self->data = reinterpret_cast<void*>(address);
            self->shape = std::move(shape);
            self->dtype = parse<DType>(dtype, "dtype");
            self->device = Device::cuda;
            self->device_index = device_index;
            self->stream = reinterpret_cast<void*>(stream);
            self->owner = keep_alive(std::move(owner));
          },
          nb::arg("address"), nb::arg("shape"), nb::arg("dtype"), nb::arg("device_index"),
          nb::arg("stream"), nb::arg("owner"),
          "`stream` is the handle of the CUDA stream on which the work that fills it was queued.")
      .def_prop_ro("address",
                   [](const Tensor& t) { return reinterpret_cast<std::uintptr_t>(t.data); })
      .def_prop_ro(
          "shape", [](const Tensor& t) { return nb::tuple(nb::cast(t.shape)); },
          nb::sig("def shape(self) -> tuple[int, ...]"))
      .def_prop_ro("dtype", [](const Tensor& t) { return name_of(t.dtype); })
      .def_ro("device_index", &Tensor::device_index)
      .def_prop_ro("stream",
                   [](const Tensor& t) { return reinterpret_cast<std::uintptr_t>(t.stream); });
  nb::class_<Engine, PythonEngine>(m, "Engine")
      .def(nb::init<std::vector<TensorSpec>, std::vector<TensorSpec>>(), nb::arg("inputs"),
           nb::arg("outputs"))
      .def_prop_ro("inputs", &Engine::inputs)
      .def_prop_ro("outputs", &Engine::outputs)
      .def(
          "batch_range",
          [](const Engine& engine) {
            const BatchRange range = engine.batch_range();
            return std::make_pair(range.lowest, range.highest);
          },
          "Fewest and most images in one run.")
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
            engine.bind(index, from_object(array));
          },
          nb::arg("index"), nb::arg("array"),
          nb::sig("def bind(self, index: int, array: NDArray | DeviceTensor) -> None"))
      .def("run", &Engine::run, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "output",
          [](Engine& engine, std::size_t index) { return to_array(engine.output(index)); },
          nb::arg("index"))
      .def(
          "output_in_place",
          [](Engine& engine, std::size_t index) {
            return to_object(engine.output_in_place(index));
          },
          nb::arg("index"),
          nb::sig("def output_in_place(self, index: int) -> NDArray | DeviceTensor"))
      .def("new_context", &Engine::new_context, nb::sig("def new_context(self) -> Engine | None"));
}

}  // namespace edgecv::bindings
