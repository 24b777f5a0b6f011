#include "edgecv/timing.hpp"

#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace edgecv::bindings {

void bind_timing(nb::module_& m) {
  nb::class_<Timing>(m, "Timing")
      .def_ro("preprocess_ms", &Timing::preprocess_ms)
      .def_ro("network_ms", &Timing::network_ms)
      .def_ro("postprocess_ms", &Timing::postprocess_ms);
}

}  // namespace edgecv::bindings
