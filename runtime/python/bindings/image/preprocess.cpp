#include "edgecv/image/preprocess.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include "arrays.hpp"
#include "edgecv/error.hpp"
#include "engine/tensors.hpp"
#include "enums.hpp"
#include "image/format_layout.hpp"
#include "image/images.hpp"

namespace edgecv::bindings {

Image to_image(const ImageArray& array, const std::string& format_name) {
  const PixelFormat format = parse<PixelFormat>(format_name, "format");
  const std::size_t channels = array.ndim() == 3 ? array.shape(2) : 1;
  const FormatLayout layout = layout_of(format);
  // P010 comes as bytes, [H * 3 / 2, 2 W].
  const std::size_t expected = layout.own_chroma() ? 1 : layout.pixel_bytes;
  const std::string article =
      format == PixelFormat::nv12 || format == PixelFormat::i420 ? "an " : "a ";
  const bool dense_pixels = (array.ndim() == 2 && array.stride(1) == 1) ||
                            (array.ndim() == 3 && array.stride(2) == 1 &&
                             array.stride(1) == static_cast<std::int64_t>(channels));
  if (!dense_pixels || channels != expected) {
    throw Error(ErrorCode::invalid_input,
                article + format_name + " image has the shape " +
                    (expected > 1 ? "[H, W, " + std::to_string(expected) + "]" : "[H, W]") +
                    " and pixels without gaps");
  }
  if (layout.own_chroma() && array.shape(0) % 3 != 0) {
    throw Error(
        ErrorCode::invalid_input,
        article + format_name + " image has H * 3 / 2 rows, got " + std::to_string(array.shape(0)));
  }
  Image image;
  image.data = array.data();
  image.height = static_cast<int>(array.shape(0));
  image.width = static_cast<int>(array.shape(1));
  image.stride = array.stride(0);
  image.format = format;
  // Planes come as one array: the chroma rows below the luma rows, [H * 3 / 2, W].
  if (layout.own_chroma()) {
    image.height = image.height / 3 * 2;
    image.width /= layout.pixel_bytes;
  }
  return image;
}

std::vector<Image> to_images(const std::vector<ImageArray>& arrays,
                             const std::vector<std::string>& formats) {
  if (formats.size() != arrays.size()) {
    throw Error(ErrorCode::invalid_input, "formats: expected one for each of " +
                                              std::to_string(arrays.size()) + " images, got " +
                                              std::to_string(formats.size()));
  }
  std::vector<Image> images;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    images.push_back(to_image(arrays[i], formats[i]));
  }
  return images;
}

void bind_preprocess(nb::module_& m) {
  const auto pair = [](Size size) { return std::pair<int, int>(size.height, size.width); };
  nb::class_<Geometry>(m, "Geometry")
      .def_prop_ro("image", [pair](const Geometry& g) { return pair(g.image); })
      .def_prop_ro("resized", [pair](const Geometry& g) { return pair(g.resized); })
      .def_prop_ro("tensor", [pair](const Geometry& g) { return pair(g.tensor); })
      .def_ro("offset_x", &Geometry::offset_x)
      .def_ro("offset_y", &Geometry::offset_y)
      .def_prop_ro("scale_x", &Geometry::scale_x)
      .def_prop_ro("scale_y", &Geometry::scale_y);

  m.def(
      "plan",
      [](const InputSpec& spec, std::pair<int, int> size) {
        return plan(spec, {size.first, size.second});
      },
      nb::arg("spec"), nb::arg("size"));

  m.def(
      "preprocess",
      [](const ImageArray& array, const InputSpec& spec, const std::string& format) {
        const Image image = to_image(array, format);
        Tensor tensor;
        {
          nb::gil_scoped_release release;
          check(image);
          const Geometry geometry = plan(spec, image.size());
          const int height = geometry.tensor.height, width = geometry.tensor.width;
          tensor.shape = spec.layout == Layout::nchw ? Shape{spec.channels(), height, width}
                                                     : Shape{height, width, spec.channels()};
          tensor.dtype = spec.dtype;
          const std::size_t bytes = element_count(tensor.shape) * element_size(spec.dtype);
          tensor.owner =
              std::shared_ptr<void>(::operator new(bytes), [](void* p) { ::operator delete(p); });
          tensor.data = tensor.owner.get();
          preprocess(image, spec, geometry, tensor.data);
        }
        return to_array(tensor);
      },
      nb::arg("picture"), nb::arg("spec"), nb::arg("format"));
}

}  // namespace edgecv::bindings
