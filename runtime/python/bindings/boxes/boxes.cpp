#include "edgecv/boxes/boxes.hpp"

#include <nanobind/stl/string.h>

#include "arrays.hpp"
#include "enums.hpp"

namespace edgecv::bindings {
namespace {

std::vector<float> like(const Boxes& boxes) { return std::vector<float>(boxes.size()); }

auto as_boxes(std::vector<float> values) {
  const std::size_t count = values.size() / 4;
  return to_numpy(std::move(values), {count, 4});
}

BoxCoder coder(float weight_x, float weight_y, float weight_w, float weight_h,
               float max_log_scale = BoxCoder{}.max_log_scale) {
  return {weight_x, weight_y, weight_w, weight_h, max_log_scale};
}

}  // namespace

void bind_boxes(nb::module_& m) {
  m.def(
      "box_convert",
      [](const Boxes& boxes, const std::string& in_format, const std::string& out_format) {
        const BoxFormat from = parse<BoxFormat>(in_format, "in_fmt");
        const BoxFormat to = parse<BoxFormat>(out_format, "out_fmt");
        std::vector<float> result = like(boxes);
        {
          nb::gil_scoped_release release;
          box_convert(boxes.data(), boxes.shape(0), from, to, result.data());
        }
        return as_boxes(std::move(result));
      },
      nb::arg("boxes"), nb::arg("in_fmt"), nb::arg("out_fmt"));
  m.def(
      "box_iou",
      [](const Boxes& boxes1, const Boxes& boxes2) {
        const std::size_t rows = boxes1.shape(0), columns = boxes2.shape(0);
        std::vector<float> result(rows * columns);
        {
          nb::gil_scoped_release release;
          box_iou(boxes1.data(), rows, boxes2.data(), columns, result.data());
        }
        return to_numpy(std::move(result), {rows, columns});
      },
      nb::arg("boxes1"), nb::arg("boxes2"));
  m.def(
      "clip_boxes",
      [](const Boxes& boxes, float height, float width) {
        std::vector<float> result = like(boxes);
        {
          nb::gil_scoped_release release;
          clip_boxes(boxes.data(), boxes.shape(0), height, width, result.data());
        }
        return as_boxes(std::move(result));
      },
      nb::arg("boxes"), nb::arg("height"), nb::arg("width"));
  m.def(
      "encode_boxes",
      [](const Boxes& boxes, const Boxes& anchors, float wx, float wy, float ww, float wh) {
        std::vector<float> result = like(boxes);
        {
          nb::gil_scoped_release release;
          encode_boxes(boxes.data(), anchors.data(), boxes.shape(0), coder(wx, wy, ww, wh),
                       result.data());
        }
        return as_boxes(std::move(result));
      },
      nb::arg("boxes"), nb::arg("anchors"), nb::arg("weight_x"), nb::arg("weight_y"),
      nb::arg("weight_w"), nb::arg("weight_h"));
  m.def(
      "decode_boxes",
      [](const Boxes& deltas, const Boxes& anchors, float wx, float wy, float ww, float wh,
         float max_log_scale) {
        std::vector<float> result = like(deltas);
        {
          nb::gil_scoped_release release;
          decode_boxes(deltas.data(), anchors.data(), deltas.shape(0),
                       coder(wx, wy, ww, wh, max_log_scale), result.data());
        }
        return as_boxes(std::move(result));
      },
      nb::arg("deltas"), nb::arg("anchors"), nb::arg("weight_x"), nb::arg("weight_y"),
      nb::arg("weight_w"), nb::arg("weight_h"), nb::arg("max_log_scale"));
}

}  // namespace edgecv::bindings
