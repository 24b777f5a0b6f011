#include "edgecv/detection/two_stage_detector.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "detection/detections.hpp"
#include "engine/milliseconds.hpp"
#include "image/images.hpp"

namespace edgecv::bindings {
namespace {

using EnginePointer = std::shared_ptr<Engine>;

nb::list run(TwoStageDetector& detector, const std::vector<ImageArray>& arrays,
             const std::vector<std::string>& formats,
             const std::optional<std::vector<Boxes>>& proposals, TwoStageTiming* timing) {
  const std::vector<Image> images = to_images(arrays, formats);
  std::vector<std::vector<float>> boxes;
  for (const Boxes& given : proposals.value_or(std::vector<Boxes>{})) {
    boxes.emplace_back(given.data(), given.data() + given.size());
  }
  std::vector<Instances> found;
  {
    nb::gil_scoped_release release;
    TwoStageTiming unused;
    found = proposals ? detector.run(images, boxes, timing)
                      : detector.run(images, timing ? *timing : unused);
  }
  nb::list results;
  for (Instances& instances : found) results.append(to_tuple(std::move(instances)));
  return results;
}

}  // namespace

void bind_two_stage_detector(nb::module_& m) {
  nb::class_<TwoStageTiming>(m, "TwoStageTiming")
      .def(nb::init<>())
      .def_ro("preprocess_ms", &TwoStageTiming::preprocess_ms)
      .def_ro("backbone_ms", &TwoStageTiming::backbone_ms)
      .def_ro("trunk_ms", &TwoStageTiming::backbone_ms,
              "backbone_ms by the name of its graph, as in steps.")
      .def_ro("proposals_ms", &TwoStageTiming::proposals_ms)
      .def_ro("roi_ms", &TwoStageTiming::roi_ms)
      .def_ro("mask_ms", &TwoStageTiming::mask_ms)
      .def_ro("postprocess_ms", &TwoStageTiming::postprocess_ms)
      .def("__repr__", [](const TwoStageTiming& self) {
        return repr_milliseconds("TwoStageTiming", {{"preprocess_ms", self.preprocess_ms},
                                                    {"trunk_ms", self.backbone_ms},
                                                    {"proposals_ms", self.proposals_ms},
                                                    {"roi_ms", self.roi_ms},
                                                    {"mask_ms", self.mask_ms},
                                                    {"postprocess_ms", self.postprocess_ms}});
      });

  nb::class_<TwoStageDetector>(m, "TwoStageDetector")
      .def(
          "__init__",
          [](TwoStageDetector* self, const Bundle& bundle, EnginePointer backbone,
             EnginePointer roi, EnginePointer mask, int threads) {
            new (self) TwoStageDetector(
                bundle, {std::move(backbone), std::move(roi), std::move(mask)}, threads);
          },
          nb::arg("bundle"), nb::arg("trunk"), nb::arg("roi"), nb::arg("mask").none() = nb::none(),
          nb::arg("threads") = 0)
      .def(
          "set_thresholds",
          [](TwoStageDetector& self, const std::vector<float>& thresholds) {
            self.set_thresholds(thresholds);
          },
          nb::arg("thresholds"))
      .def("run", &run, nb::arg("images"), nb::arg("formats"), nb::arg("proposals") = nb::none(),
           nb::arg("timing").none() = nb::none(), "For each image (boxes, scores, labels, masks).")
      .def("copy", [](const TwoStageDetector& self) { return TwoStageDetector(self); });
}

}  // namespace edgecv::bindings
