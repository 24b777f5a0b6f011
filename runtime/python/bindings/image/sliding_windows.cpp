#include "edgecv/image/sliding_windows.hpp"

#include <nanobind/stl/pair.h>

#include <utility>

#include "arrays.hpp"

namespace edgecv::bindings {

void bind_sliding_windows(nb::module_& m) {
  m.def(
      "sliding_windows",
      [](std::pair<int, int> image_size, std::pair<int, int> window, double overlap) {
        const WindowGrid grid = sliding_windows({image_size.first, image_size.second},
                                                {window.first, window.second}, overlap);
        return to_numpy(grid.boxes(), {grid.count(), 4});
      },
      nb::arg("image_size"), nb::arg("window"), nb::arg("overlap"));
}

}  // namespace edgecv::bindings
