#include "edgecv/style/stylize.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <memory>

#include "arrays.hpp"
#include "edgecv/error.hpp"
#include "enums.hpp"

namespace edgecv::bindings {

void bind_stylize(nb::module_& m) {
  nb::class_<StylizeTiles>(m, "StylizeTiles")
      .def_prop_ro("size",
                   [](const StylizeTiles& s) { return std::pair(s.size.height, s.size.width); })
      .def_ro("overlap", &StylizeTiles::overlap)
      .def_ro("thumbnail", &StylizeTiles::thumbnail)
      .def_ro("align", &StylizeTiles::align)
      .def_ro("above", &StylizeTiles::above);

  nb::class_<StylizeSpec>(m, "StylizeSpec")
      .def_ro("picture_output", &StylizeSpec::picture_output)
      .def_prop_ro("color", [](const StylizeSpec& s) { return name_of(s.color); })
      .def_ro("scale", &StylizeSpec::scale)
      .def_ro("offset", &StylizeSpec::offset)
      .def_ro("smallest_side", &StylizeSpec::smallest_side)
      .def_ro("tiles", &StylizeSpec::tiles, "None where every image goes through in one run.");

  m.def(
      "write_image",
      [](const Array<float, nb::shape<3, -1, -1>>& planes, const std::string& color, double scale,
         double offset, std::pair<int, int> size) {
        StylizeSpec spec;
        spec.picture_output = "planes";
        spec.color = parse<Color>(color, "color");
        spec.scale = scale;
        spec.offset = offset;
        const Size tensor{static_cast<int>(planes.shape(1)), static_cast<int>(planes.shape(2))};
        const Size image{size.first, size.second};
        if (spec.color == Color::gray || image.height < 1 || image.width < 1 ||
            image.height > tensor.height || image.width > tensor.width) {
          throw Error(ErrorCode::invalid_input,
                      "expected rgb or bgr planes, and a size of at least 1 x 1 within them");
        }
        const std::size_t bytes = std::size_t{3} * image.height * image.width;
        auto* pixels = new std::uint8_t[bytes];
        nb::capsule owner(pixels, [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
        {
          nb::gil_scoped_release release;
          write_image(spec, planes.data(), tensor,
                      {pixels, image, std::ptrdiff_t{3} * image.width});
        }
        return nb::ndarray<nb::numpy, std::uint8_t>(
            pixels,
            {static_cast<std::size_t>(image.height), static_cast<std::size_t>(image.width), 3},
            owner);
      },
      nb::arg("planes"), nb::arg("color"), nb::arg("scale"), nb::arg("offset"), nb::arg("size"));
}

}  // namespace edgecv::bindings
