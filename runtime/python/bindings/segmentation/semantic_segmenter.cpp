#include "edgecv/segmentation/semantic_segmenter.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "image/images.hpp"
#include "segmentation/segmentations.hpp"

namespace edgecv::bindings {

void bind_semantic_segmenter(nb::module_& m) {
  nb::class_<SemanticSegmenter>(m, "SemanticSegmenter")
      .def(nb::init<const Bundle&, std::shared_ptr<Engine>, int>(), nb::arg("bundle"),
           nb::arg("engine"), nb::arg("threads") = 0)
      .def_prop_rw("windows", &SemanticSegmenter::windows, &SemanticSegmenter::set_windows,
                   nb::for_setter(nb::arg("windows").none()))
      .def(
          "run",
          [](SemanticSegmenter& segmenter, const std::vector<ImageArray>& arrays,
             const std::vector<std::string>& formats, bool probabilities, int max_batch,
             Timing* timing) {
            const std::vector<Image> images = to_images(arrays, formats);
            std::vector<Segmentation> found;
            {
              nb::gil_scoped_release release;
              found = segmenter.run(images, probabilities, max_batch, timing);
            }
            nb::list results;
            for (Segmentation& map : found) {
              const std::size_t pixels = static_cast<std::size_t>(map.size.height) * map.size.width;
              const std::size_t classes = map.probabilities.size() / pixels;
              results.append(to_tuple(std::move(map), classes));
            }
            return results;
          },
          nb::arg("images"), nb::arg("formats"), nb::arg("probabilities") = false,
          nb::arg("max_batch") = 4, nb::arg("timing").none() = nb::none(),
          "For each image (mask uint8 or uint16 [H, W], probabilities float32 [C, H, W] or "
          "None).")
      .def("copy", [](const SemanticSegmenter& self) { return SemanticSegmenter(self); });
}

}  // namespace edgecv::bindings
