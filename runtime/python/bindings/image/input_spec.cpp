#include "edgecv/image/input_spec.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <optional>

#include "enums.hpp"

namespace nb = nanobind;

namespace edgecv::bindings {
namespace {

using Pair = std::pair<int, int>;

std::optional<Size> to_size(const std::optional<Pair>& pair) {
  if (!pair) return std::nullopt;
  return Size{pair->first, pair->second};
}

std::optional<Pair> to_pair(const std::optional<Size>& size) {
  if (!size) return std::nullopt;
  return Pair(size->height, size->width);
}

}  // namespace

void bind_input_spec(nb::module_& m) {
  const InputSpec defaults;
  nb::class_<InputSpec>(m, "InputSpec")
      .def(
          "__init__",
          [](InputSpec* self, const std::string& color, std::optional<Pair> size,
             const std::string& resize, std::optional<int> max_size, const std::string& align,
             std::optional<Pair> crop, const std::string& interpolation, bool antialias,
             double scale, const std::array<double, 3>& mean, const std::array<double, 3>& std,
             double pad_value, int pad_multiple, const std::string& dtype,
             const std::string& layout) {
            InputSpec spec;
            spec.color = parse<Color>(color, "color");
            spec.size = to_size(size);
            spec.resize = parse<Resize>(resize, "resize");
            spec.max_size = max_size;
            spec.align = parse<Align>(align, "align");
            spec.crop = to_size(crop);
            spec.interpolation = parse<Interpolation>(interpolation, "interpolation");
            spec.antialias = antialias;
            spec.scale = scale;
            spec.mean = mean;
            spec.std = std;
            spec.pad_value = pad_value;
            spec.pad_multiple = pad_multiple;
            spec.dtype = parse<DType>(dtype, "dtype");
            spec.layout = parse<Layout>(layout, "layout");
            check(spec);
            new (self) InputSpec(spec);
          },
          nb::kw_only(), nb::arg("color") = "rgb", nb::arg("size") = nb::none(),
          nb::arg("resize") = "stretch", nb::arg("max_size") = nb::none(),
          nb::arg("align") = "center", nb::arg("crop") = nb::none(),
          nb::arg("interpolation") = "bilinear", nb::arg("antialias") = false,
          nb::arg("scale") = defaults.scale, nb::arg("mean") = defaults.mean,
          nb::arg("std") = defaults.std, nb::arg("pad_value") = 0.0, nb::arg("pad_multiple") = 1,
          nb::arg("dtype") = "float32", nb::arg("layout") = "nchw")
      .def_prop_ro("color", [](const InputSpec& s) { return name_of(s.color); })
      .def_prop_ro("size", [](const InputSpec& s) { return to_pair(s.size); })
      .def_prop_ro("resize", [](const InputSpec& s) { return name_of(s.resize); })
      .def_ro("max_size", &InputSpec::max_size)
      .def_prop_ro("align", [](const InputSpec& s) { return name_of(s.align); })
      .def_prop_ro("crop", [](const InputSpec& s) { return to_pair(s.crop); })
      .def_prop_ro("interpolation", [](const InputSpec& s) { return name_of(s.interpolation); })
      .def_ro("antialias", &InputSpec::antialias)
      .def_ro("scale", &InputSpec::scale)
      .def_ro("mean", &InputSpec::mean)
      .def_ro("std", &InputSpec::std)
      .def_ro("pad_value", &InputSpec::pad_value)
      .def_ro("pad_multiple", &InputSpec::pad_multiple)
      .def_prop_ro("dtype", [](const InputSpec& s) { return name_of(s.dtype); })
      .def_prop_ro("layout", [](const InputSpec& s) { return name_of(s.layout); })
      .def_prop_ro("channels", &InputSpec::channels);
}

}  // namespace edgecv::bindings
