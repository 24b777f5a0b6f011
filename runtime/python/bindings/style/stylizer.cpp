#include "edgecv/style/stylizer.hpp"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "enums.hpp"
#include "image/images.hpp"

namespace edgecv::bindings {
namespace {

using EnginePointer = std::shared_ptr<Engine>;

nb::ndarray<nb::numpy, std::uint8_t> to_array(StylizedImage image) {
  std::uint8_t* const pixels = image.bgr.release();
  nb::capsule owner(pixels, [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
  return {
      pixels,
      {static_cast<std::size_t>(image.size.height), static_cast<std::size_t>(image.size.width), 3},
      owner};
}

}  // namespace

void bind_stylizer(nb::module_& m) {
  nb::class_<Stylizer>(m, "Stylizer")
      .def(
          "__init__",
          [](Stylizer* self, const Bundle& bundle, EnginePointer main, EnginePointer statistics,
             EnginePointer tile, int threads) {
            new (self) Stylizer(bundle, {std::move(main), std::move(statistics), std::move(tile)},
                                threads);
          },
          nb::arg("bundle"), nb::arg("main"), nb::arg("statistics").none() = nb::none(),
          nb::arg("tile").none() = nb::none(), nb::arg("threads") = 0)
      .def(
          "set_tiling",
          [](Stylizer& stylizer, const std::string& tiling) {
            stylizer.set_tiling(parse<Tiling>(tiling, "tiling"));
          },
          nb::arg("tiling"))
      .def(
          "run",
          [](Stylizer& stylizer, const std::vector<ImageArray>& arrays,
             const std::vector<std::string>& formats, Timing* timing) {
            const std::vector<Image> images = to_images(arrays, formats);
            std::vector<StylizedImage> stylized;
            {
              nb::gil_scoped_release release;
              stylized = stylizer.run(images, timing);
            }
            nb::list results;
            for (StylizedImage& image : stylized) results.append(to_array(std::move(image)));
            return results;
          },
          nb::arg("images"), nb::arg("formats"), nb::arg("timing").none() = nb::none(),
          "For each image uint8 [H, W, 3], BGR.")
      .def("copy", [](const Stylizer& self) { return Stylizer(self); });
}

}  // namespace edgecv::bindings
