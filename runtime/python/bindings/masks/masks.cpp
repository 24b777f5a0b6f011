#include "edgecv/masks/masks.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "arrays.hpp"
#include "edgecv/error.hpp"

namespace edgecv::bindings {
namespace {

using Crops = std::vector<const MaskCrop*>;
using Bytes = nb::ndarray<const std::uint8_t, nb::c_contig, nb::device::cpu, nb::ndim<2>>;
using Frames = nb::ndarray<std::uint8_t, nb::c_contig, nb::device::cpu, nb::ndim<3>>;

template <typename Body>
void for_each_mask(std::size_t count, const Body& body) {
  nb::gil_scoped_release release;
  ThreadPool::global().parallel_for(static_cast<int>(count), 1, [&](int begin, int end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) body(i);
  });
}

}  // namespace

void bind_masks(nb::module_& m) {
  nb::class_<MaskCrop>(m, "MaskCrop")
      .def(
          "__init__",
          [](MaskCrop* self, int x, int y, const Bytes& pixels) {
            if (std::any_of(pixels.data(), pixels.data() + pixels.size(),
                            [](std::uint8_t pixel) { return pixel > 1; })) {
              throw Error(ErrorCode::invalid_input, "MaskCrop: expected pixels of 0 and 1");
            }
            new (self) MaskCrop{x,
                                y,
                                static_cast<int>(pixels.shape(1)),
                                static_cast<int>(pixels.shape(0)),
                                {pixels.data(), pixels.data() + pixels.size()}};
          },
          nb::arg("x"), nb::arg("y"), nb::arg("pixels"))
      .def_ro("x", &MaskCrop::x)
      .def_ro("y", &MaskCrop::y)
      .def_ro("width", &MaskCrop::width)
      .def_ro("height", &MaskCrop::height)
      .def_prop_ro(
          "pixels",
          [](const MaskCrop& crop) {
            return nb::ndarray<nb::numpy, const std::uint8_t, nb::ndim<2>>(
                crop.pixels.data(),
                {static_cast<std::size_t>(crop.height), static_cast<std::size_t>(crop.width)});
          },
          nb::rv_policy::reference_internal)
      .def("__reduce__", [](nb::handle self) {
        return nb::make_tuple(self.type(),
                              nb::make_tuple(self.attr("x"), self.attr("y"), self.attr("pixels")));
      });

  m.def(
      "paste_masks",
      [](const Array<float, nb::shape<-1, -1, -1>>& masks, const Boxes& boxes, int height,
         int width, float threshold) {
        nb::gil_scoped_release release;
        return paste_masks(masks.data(), masks.shape(0), static_cast<int>(masks.shape(1)),
                           boxes.data(), {height, width}, threshold, ThreadPool::global());
      },
      nb::arg("masks"), nb::arg("boxes"), nb::arg("height"), nb::arg("width"),
      nb::arg("threshold"));

  m.def(
      "draw_masks",
      [](const Crops& crops, Frames frames) {
        const Size image{static_cast<int>(frames.shape(1)), static_cast<int>(frames.shape(2))};
        const std::size_t bytes = frames.shape(1) * frames.shape(2);
        for_each_mask(crops.size(), [&](std::size_t i) {
          draw_mask(*crops[i], image, frames.data() + i * bytes);
        });
      },
      nb::arg("crops"), nb::arg("frames"));

  m.def(
      "crop_masks",
      [](const Array<std::uint8_t, nb::ndim<3>>& frames) {
        const Size image{static_cast<int>(frames.shape(1)), static_cast<int>(frames.shape(2))};
        const std::size_t bytes = frames.shape(1) * frames.shape(2);
        std::vector<MaskCrop> crops(frames.shape(0));
        for_each_mask(crops.size(), [&](std::size_t i) {
          crops[i] = crop_mask(frames.data() + i * bytes, image);
        });
        return crops;
      },
      nb::arg("frames"));

  m.def(
      "run_lengths",
      [](const Crops& crops, int height, int width) {
        std::vector<std::string> codes(crops.size());
        for_each_mask(crops.size(), [&](std::size_t i) {
          codes[i] = compress_run_lengths(run_lengths(*crops[i], {height, width}));
        });
        return codes;
      },
      nb::arg("crops"), nb::arg("height"), nb::arg("width"));

  m.def(
      "polygons",
      [](const Crops& crops) {
        std::vector<std::vector<std::vector<float>>> contours(crops.size());
        for_each_mask(crops.size(), [&](std::size_t i) { contours[i] = polygons(*crops[i]); });
        nb::list found;
        for (auto& mask : contours) {
          nb::list parts;
          for (auto& polygon : mask) {
            const std::size_t corners = polygon.size() / 2;
            parts.append(to_numpy(std::move(polygon), {corners, std::size_t{2}}));
          }
          found.append(parts);
        }
        return found;
      },
      nb::arg("crops"));
}

}  // namespace edgecv::bindings
