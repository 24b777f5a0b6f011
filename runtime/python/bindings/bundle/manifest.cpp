#include "edgecv/bundle/manifest.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <tuple>

#include "enums.hpp"

namespace nb = nanobind;

namespace edgecv::bindings {
namespace {

std::vector<std::pair<int, int>> to_pairs(const std::vector<Size>& sizes) {
  std::vector<std::pair<int, int>> pairs;
  for (const Size size : sizes) pairs.emplace_back(size.height, size.width);
  return pairs;
}

std::tuple<float, float, float, float> weights(const BoxCoder& coder) {
  return {coder.weight_x, coder.weight_y, coder.weight_w, coder.weight_h};
}

void bind_anchor_specs(nb::module_& m) {
  nb::class_<DefaultBoxes>(m, "DefaultBoxes")
      .def_prop_ro("feature_sizes", [](const DefaultBoxes& s) { return to_pairs(s.feature_sizes); })
      .def_ro("aspect_ratios", &DefaultBoxes::aspect_ratios)
      .def_ro("scales", &DefaultBoxes::scales)
      .def_ro("steps", &DefaultBoxes::steps)
      .def_ro("clip", &DefaultBoxes::clip);

  nb::class_<MultiboxPrior>(m, "MultiboxPrior")
      .def_prop_ro("feature_sizes",
                   [](const MultiboxPrior& s) { return to_pairs(s.feature_sizes); })
      .def_ro("scales", &MultiboxPrior::scales)
      .def_ro("ratios", &MultiboxPrior::ratios)
      .def_ro("pixel_ratios", &MultiboxPrior::pixel_ratios);

  nb::class_<AnchorFile>(m, "AnchorFile")
      .def_ro("file", &AnchorFile::file)
      .def_ro("sha256", &AnchorFile::sha256)
      .def_ro("normalized", &AnchorFile::normalized);
}

void bind_ssd_spec(nb::module_& m) {
  nb::class_<SsdSpec>(m, "SsdSpec")
      .def_ro("scores_output", &SsdSpec::scores_output)
      .def_prop_ro("score_function", [](const SsdSpec& s) { return name_of(s.score_function); })
      .def_prop_ro("background", [](const SsdSpec& s) { return name_of(s.background); })
      .def_ro("boxes_output", &SsdSpec::boxes_output)
      .def_ro("boxes_are_deltas", &SsdSpec::boxes_are_deltas)
      .def_prop_ro("box_format", [](const SsdSpec& s) { return name_of(s.box_format); })
      .def_ro("boxes_normalized", &SsdSpec::boxes_normalized)
      .def_prop_ro("weights", [](const SsdSpec& s) { return weights(s.coder); })
      .def_prop_ro("max_log_scale", [](const SsdSpec& s) { return s.coder.max_log_scale; })
      .def_ro("anchors", &SsdSpec::anchors, "None where the boxes come finished.")
      .def_ro("score_threshold", &SsdSpec::score_threshold)
      .def_ro("iou_threshold", &SsdSpec::iou_threshold)
      .def_ro("topk_candidates", &SsdSpec::topk_candidates)
      .def_ro("max_detections", &SsdSpec::max_detections);
}

void bind_dense_spec(nb::module_& m) {
  nb::class_<GridAnchors>(m, "GridAnchors")
      .def_ro("sizes", &GridAnchors::sizes)
      .def_ro("aspect_ratios", &GridAnchors::aspect_ratios);

  nb::class_<DenseSpec>(m, "DenseSpec")
      .def_prop_ro("method", [](const DenseSpec& s) { return s.distances ? "fcos" : "retinanet"; })
      .def_ro("logits_output", &DenseSpec::logits_output)
      .def_ro("boxes_output", &DenseSpec::boxes_output)
      .def_ro("centerness_output", &DenseSpec::centerness_output, "\"\" for RetinaNet.")
      .def_ro("anchors", &DenseSpec::anchors)
      .def_ro("strides", &DenseSpec::strides)
      .def_prop_ro("weights", [](const DenseSpec& s) { return weights(s.coder); })
      .def_prop_ro("max_log_scale", [](const DenseSpec& s) { return s.coder.max_log_scale; })
      .def_ro("score_threshold", &DenseSpec::score_threshold)
      .def_ro("iou_threshold", &DenseSpec::iou_threshold)
      .def_ro("topk_candidates", &DenseSpec::topk_candidates)
      .def_ro("max_detections", &DenseSpec::max_detections);
}

void bind_classify_spec(nb::module_& m) {
  nb::class_<ClassifySpec>(m, "ClassifySpec")
      .def_ro("scores_output", &ClassifySpec::scores_output)
      .def_prop_ro("score_function",
                   [](const ClassifySpec& s) { return name_of(s.score_function); })
      .def_ro("topk", &ClassifySpec::topk);
}

void bind_segment_spec(nb::module_& m) {
  nb::class_<CropWindows>(m, "CropWindows")
      .def(
          "__init__",
          [](CropWindows* self, std::pair<int, int> size, double overlap, const std::string& weight,
             int batch) {
            const CropWindows windows{
                {size.first, size.second}, overlap, parse<WindowWeight>(weight, "weight"), batch};
            check(windows);
            new (self) CropWindows(windows);
          },
          nb::kw_only(), nb::arg("size"), nb::arg("overlap") = 0.25, nb::arg("weight") = "uniform",
          nb::arg("batch") = 4)
      .def_prop_ro("size",
                   [](const CropWindows& s) { return std::pair(s.size.height, s.size.width); })
      .def_ro("overlap", &CropWindows::overlap)
      .def_prop_ro("weight", [](const CropWindows& s) { return name_of(s.weight); })
      .def_ro("batch", &CropWindows::batch);

  nb::class_<SegmentSpec>(m, "SegmentSpec")
      .def_ro("scores_output", &SegmentSpec::scores_output)
      .def_prop_ro("score_function", [](const SegmentSpec& s) { return name_of(s.score_function); })
      .def_ro("windows", &SegmentSpec::windows, "None: the image goes in whole.");
}

}  // namespace

void bind_manifest(nb::module_& m) {
  nb::class_<TensorSpec>(m, "TensorSpec")
      .def(
          "__init__",
          [](TensorSpec* self, std::string name, const std::string& dtype, Shape shape) {
            new (self) TensorSpec{std::move(name), parse<DType>(dtype, "dtype"), std::move(shape)};
          },
          nb::arg("name"), nb::arg("dtype"), nb::arg("shape"),
          "Name, dtype and shape of a graph's input or output; -1 is an axis of any length.")
      .def_ro("name", &TensorSpec::name)
      .def_prop_ro("dtype", [](const TensorSpec& s) { return name_of(s.dtype); })
      .def_prop_ro(
          "shape", [](const TensorSpec& s) { return nb::tuple(nb::cast(s.shape)); },
          nb::sig("def shape(self) -> tuple[int, ...]"));

  nb::class_<GraphFile>(m, "GraphFile")
      .def_ro("file", &GraphFile::file)
      .def_ro("sha256", &GraphFile::sha256)
      .def_ro("precision", &GraphFile::precision)
      .def_ro("dialect", &GraphFile::dialect)
      .def_ro("inputs", &GraphFile::inputs)
      .def_ro("outputs", &GraphFile::outputs);

  bind_anchor_specs(m);
  bind_ssd_spec(m);
  bind_dense_spec(m);
  bind_classify_spec(m);
  bind_segment_spec(m);

  nb::class_<Manifest>(m, "Manifest")
      .def_static("from_json", &Manifest::from_json, nb::arg("text"),
                  "Reads the text of a bundle.json; raises BundleError naming the key at fault.")
      .def("to_json", &Manifest::to_json)
      .def("with_thresholds", &Manifest::with_thresholds, nb::arg("values"),
           "The same with other operating thresholds, one for each label; raises BundleError.")
      .def("__getstate__", &Manifest::to_json)
      .def("__setstate__",
           [](Manifest& self, const std::string& text) {
             new (&self) Manifest(Manifest::from_json(text));
           })
      .def_ro_static("current_schema", &Manifest::current_schema)
      .def_ro("schema", &Manifest::schema)
      .def_ro("name", &Manifest::name)
      .def_prop_ro("task", [](const Manifest& s) { return name_of(s.task); })
      .def_ro("architecture", &Manifest::architecture)
      .def_ro("labels", &Manifest::labels)
      .def_ro("input", &Manifest::input)
      .def_ro("graphs", &Manifest::graphs)
      .def_ro("postprocess", &Manifest::postprocess)
      .def_prop_ro("thresholds", &operating_thresholds,
                   "Operating score thresholds, one for each label; empty for other tasks than a "
                   "detector's.")
      .def_prop_ro("measuring_threshold", &measuring_threshold,
                   "Lowest score that the postprocessing was made for; 0 for other tasks than a "
                   "detector's.")
      .def_ro("provenance", &Manifest::provenance, "A JSON object, as text.");
}

}  // namespace edgecv::bindings
