#include "edgecv/detection/detector.hpp"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "detection/detections.hpp"
#include "image/images.hpp"

namespace edgecv::bindings {
void bind_detector(nb::module_& m) {
  nb::class_<Detector>(m, "Detector")
      .def(nb::init<const Bundle&, std::shared_ptr<Engine>, int>(), nb::arg("bundle"),
           nb::arg("engine"), nb::arg("threads") = 0)
      .def(
          "set_thresholds",
          [](Detector& self, const std::vector<float>& thresholds) {
            self.set_thresholds(thresholds);
          },
          nb::arg("thresholds"))
      .def(
          "run",
          [](Detector& detector, const std::vector<ImageArray>& arrays,
             const std::vector<std::string>& formats, int max_batch, Timing* timing) {
            const std::vector<Image> images = to_images(arrays, formats);
            std::vector<Detections> found;
            {
              nb::gil_scoped_release release;
              found = detector.run(images, max_batch, timing);
            }
            nb::list results;
            for (Detections& detections : found) results.append(to_tuple(std::move(detections)));
            return results;
          },
          nb::arg("images"), nb::arg("formats"), nb::arg("max_batch") = 16,
          nb::arg("timing").none() = nb::none())
      .def("copy", [](const Detector& self) { return Detector(self); });
}

}  // namespace edgecv::bindings
