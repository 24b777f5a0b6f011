#include "edgecv/semantic_segmenter.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "images.hpp"
#include "segmentations.hpp"

namespace edgecv::bindings {

void bind_semantic_segmenter(nb::module_& m) {
  nb::class_<SemanticSegmenter>(m, "SemanticSegmenter")
      .def(nb::init<const Bundle&, std::shared_ptr<Engine>, int>(), nb::arg("bundle"),
           nb::arg("engine"), nb::arg("threads") = 0)
      .def_prop_rw("windows", &SemanticSegmenter::windows, &SemanticSegmenter::set_windows,
                   nb::for_setter(nb::arg("windows").none()))
      .def(
          "run",
          [](SemanticSegmenter& segmenter, const std::vector<Picture>& pictures,
             const std::string& format, bool probabilities, int max_batch) {
            std::vector<Image> images;
            for (const Picture& picture : pictures) images.push_back(to_image(picture, format));
            std::vector<Segmentation> found;
            {
              nb::gil_scoped_release release;
              found = segmenter.run(images, probabilities, max_batch);
            }
            nb::list results;
            for (Segmentation& map : found) {
              const std::size_t pixels = static_cast<std::size_t>(map.size.height) * map.size.width;
              const std::size_t classes = map.probabilities.size() / pixels;
              results.append(to_tuple(std::move(map), classes));
            }
            return results;
          },
          nb::arg("pictures"), nb::arg("format"), nb::arg("probabilities") = false,
          nb::arg("max_batch") = 4,
          "For each picture (mask uint8 or uint16 [H, W], probabilities float32 [C, H, W] or "
          "None).")
      .def_prop_ro("timing", &SemanticSegmenter::timing);
}

}  // namespace edgecv::bindings
