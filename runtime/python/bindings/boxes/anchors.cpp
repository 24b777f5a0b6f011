#include "edgecv/boxes/anchors.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "arrays.hpp"

namespace edgecv::bindings {

void bind_anchors(nb::module_& m) {
  m.def(
      "multibox_prior",
      [](std::pair<int, int> feature, const std::vector<float>& scales,
         const std::vector<float>& ratios, std::optional<std::pair<int, int>> image) {
        std::vector<float> boxes;
        {
          nb::gil_scoped_release release;
          const Size size = image ? Size{image->first, image->second} : Size{};
          boxes = multibox_prior({feature.first, feature.second}, scales, ratios,
                                 image ? &size : nullptr);
        }
        const std::size_t count = boxes.size() / 4;
        return to_numpy(std::move(boxes), {count, 4});
      },
      nb::arg("feature_size"), nb::arg("scales"), nb::arg("ratios"),
      nb::arg("image_size") = nb::none());
}

}  // namespace edgecv::bindings
