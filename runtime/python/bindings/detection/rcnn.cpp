#include "edgecv/detection/rcnn.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <tuple>

#include "arrays.hpp"

namespace edgecv::bindings {
namespace {

auto weights(const BoxCoder& coder) {
  return std::tuple(coder.weight_x, coder.weight_y, coder.weight_w, coder.weight_h);
}

}  // namespace

void bind_rcnn(nb::module_& m) {
  nb::class_<RpnSpec>(m, "RpnSpec")
      .def_ro("objectness_outputs", &RpnSpec::objectness_outputs)
      .def_ro("deltas_outputs", &RpnSpec::deltas_outputs)
      .def_ro("anchors", &RpnSpec::anchors)
      .def_prop_ro("weights", [](const RpnSpec& s) { return weights(s.coder); })
      .def_prop_ro("max_log_scale", [](const RpnSpec& s) { return s.coder.max_log_scale; })
      .def_ro("pre_nms_top_n", &RpnSpec::pre_nms_top_n)
      .def_ro("post_nms_top_n", &RpnSpec::post_nms_top_n)
      .def_ro("nms_threshold", &RpnSpec::nms_threshold)
      .def_ro("score_threshold", &RpnSpec::score_threshold)
      .def_ro("min_size", &RpnSpec::min_size);

  nb::class_<LevelSpec>(m, "LevelSpec")
      .def_ro("scales", &LevelSpec::scales)
      .def_ro("canonical_scale", &LevelSpec::canonical_scale)
      .def_ro("canonical_level", &LevelSpec::canonical_level);

  nb::class_<BoxHeadSpec>(m, "BoxHeadSpec")
      .def_ro("logits_output", &BoxHeadSpec::logits_output)
      .def_ro("deltas_output", &BoxHeadSpec::deltas_output)
      .def_prop_ro("weights", [](const BoxHeadSpec& s) { return weights(s.coder); })
      .def_prop_ro("max_log_scale", [](const BoxHeadSpec& s) { return s.coder.max_log_scale; })
      .def_ro("score_threshold", &BoxHeadSpec::score_threshold)
      .def_ro("iou_threshold", &BoxHeadSpec::iou_threshold)
      .def_ro("max_detections", &BoxHeadSpec::max_detections)
      .def_ro("min_size", &BoxHeadSpec::min_size);

  nb::class_<MaskHeadSpec>(m, "MaskHeadSpec")
      .def_ro("output", &MaskHeadSpec::output)
      .def_ro("threshold", &MaskHeadSpec::threshold);

  nb::class_<RcnnSpec>(m, "RcnnSpec")
      .def_ro("rpn", &RcnnSpec::rpn, "None where the caller gives the proposals.")
      .def_ro("features", &RcnnSpec::features)
      .def_ro("levels", &RcnnSpec::levels)
      .def_ro("box_head", &RcnnSpec::box_head)
      .def_ro("mask", &RcnnSpec::mask, "None where there are boxes only.");
}

}  // namespace edgecv::bindings
