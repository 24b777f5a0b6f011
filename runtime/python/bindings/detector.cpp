#include "edgecv/detector.hpp"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "detections.hpp"
#include "images.hpp"

namespace edgecv::bindings {
void bind_detector(nb::module_& m) {
  nb::class_<Detector>(m, "Detector")
      .def(nb::init<const Bundle&, std::shared_ptr<Engine>, int>(), nb::arg("bundle"),
           nb::arg("engine"), nb::arg("threads") = 0)
      .def("set_thresholds", &Detector::set_thresholds, nb::arg("thresholds"))
      .def(
          "run",
          [](Detector& detector, const std::vector<Picture>& pictures, const std::string& format,
             int max_batch) {
            std::vector<Image> images;
            for (const Picture& picture : pictures) images.push_back(to_image(picture, format));
            std::vector<Detections> found;
            {
              nb::gil_scoped_release release;
              found = detector.run(images, max_batch);
            }
            nb::list results;
            for (Detections& detections : found) results.append(to_tuple(std::move(detections)));
            return results;
          },
          nb::arg("pictures"), nb::arg("format"), nb::arg("max_batch") = 16)
      .def_prop_ro("timing", &Detector::timing);
}

}  // namespace edgecv::bindings
