#include "edgecv/engine/timing.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "engine/milliseconds.hpp"

namespace nb = nanobind;

namespace edgecv::bindings {

void bind_timing(nb::module_& m) {
  nb::class_<Timing>(m, "Timing")
      .def(nb::init<>())
      .def_ro("preprocess_ms", &Timing::preprocess_ms)
      .def_ro("network_ms", &Timing::network_ms)
      .def_ro("postprocess_ms", &Timing::postprocess_ms)
      .def("__repr__", [](const Timing& self) {
        return repr_milliseconds("Timing", {{"preprocess_ms", self.preprocess_ms},
                                            {"network_ms", self.network_ms},
                                            {"postprocess_ms", self.postprocess_ms}});
      });
}

}  // namespace edgecv::bindings
