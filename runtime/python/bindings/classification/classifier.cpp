#include "edgecv/classification/classifier.hpp"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "image/images.hpp"

namespace edgecv::bindings {

void bind_classifier(nb::module_& m) {
  nb::class_<Classifier>(m, "Classifier")
      .def(nb::init<const Bundle&, std::shared_ptr<Engine>, int>(), nb::arg("bundle"),
           nb::arg("engine"), nb::arg("threads") = 0)
      .def(
          "run",
          [](Classifier& classifier, const std::vector<ImageArray>& arrays,
             const std::vector<std::string>& formats, int max_batch, Timing* timing) {
            const std::vector<Image> images = to_images(arrays, formats);
            std::vector<Classification> found;
            {
              nb::gil_scoped_release release;
              found = classifier.run(images, max_batch, timing);
            }
            nb::list results;
            for (Classification& one : found) {
              const std::size_t kept = one.labels.size(), classes = one.probabilities.size();
              results.append(nb::make_tuple(to_numpy(std::move(one.labels), {kept}),
                                            to_numpy(std::move(one.scores), {kept}),
                                            to_numpy(std::move(one.probabilities), {classes})));
            }
            return results;
          },
          nb::arg("images"), nb::arg("formats"), nb::arg("max_batch") = 16,
          nb::arg("timing").none() = nb::none(),
          "For each image (labels int64 [k], scores float32 [k], probabilities float32 [C]).")
      .def("copy", [](const Classifier& self) { return Classifier(self); });
}

}  // namespace edgecv::bindings
