#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <string>

#include "arrays.hpp"
#include "edgecv/detection/box_head.hpp"
#include "edgecv/detection/rpn.hpp"
#include "edgecv/error.hpp"

namespace edgecv::bindings {
namespace {

using Pair = std::pair<int, int>;
using FloatLists = std::vector<std::vector<float>>;
using Weights = std::array<float, 4>;
using Planes = Array<float, nb::ndim<3>>;
using Rows = Array<float, nb::ndim<2>>;

Size to_size(Pair pair) { return {pair.first, pair.second}; }

BoxCoder to_coder(const Weights& weights, float max_log_scale) {
  return {weights[0], weights[1], weights[2], weights[3], max_log_scale};
}

auto to_boxes(std::vector<float> boxes) {
  const std::size_t count = boxes.size() / 4;
  return to_numpy(std::move(boxes), {count, 4});
}

void require(bool condition, const char* message) {
  if (!condition) throw Error(ErrorCode::invalid_input, message);
}

void bind_anchors(nb::module_& m) {
  m.def(
      "generate_anchors",
      [](const std::vector<Pair>& feature_sizes, Pair input_size, const FloatLists& sizes,
         const FloatLists& aspect_ratios) {
        std::vector<float> boxes;
        {
          nb::gil_scoped_release release;
          std::vector<Size> features;
          for (const Pair& feature : feature_sizes) features.push_back(to_size(feature));
          boxes = generate_anchors({sizes, aspect_ratios}, features, to_size(input_size));
        }
        return to_boxes(std::move(boxes));
      },
      nb::arg("feature_sizes"), nb::arg("input_size"), nb::arg("sizes"), nb::arg("aspect_ratios"));
}

void bind_proposals(nb::module_& m) {
  const RpnSpec defaults;
  m.def(
      "propose",
      [](const std::vector<Planes>& objectness, const std::vector<Planes>& deltas, Pair image_size,
         Pair input_size, const FloatLists& sizes, const FloatLists& aspect_ratios,
         const Weights& weights, float max_log_scale, int pre_nms_top_n, int post_nms_top_n,
         double nms_threshold, float score_threshold, float min_size) {
        RpnSpec spec;
        spec.anchors = {sizes, aspect_ratios};
        spec.coder = to_coder(weights, max_log_scale);
        spec.pre_nms_top_n = pre_nms_top_n;
        spec.post_nms_top_n = post_nms_top_n;
        spec.nms_threshold = nms_threshold;
        spec.score_threshold = score_threshold;
        spec.min_size = min_size;
        const std::size_t count = objectness.size();
        require(deltas.size() == count && sizes.size() == count && aspect_ratios.size() == count,
                "propose: expected objectness, deltas, sizes and aspect ratios of each level");
        std::vector<RpnLevel> levels;
        for (std::size_t i = 0; i < count; ++i) {
          const std::size_t anchors = spec.anchors.per_cell(i);
          const std::size_t height = objectness[i].shape(1), width = objectness[i].shape(2);
          require(objectness[i].shape(0) == anchors && deltas[i].shape(0) == 4 * anchors &&
                      deltas[i].shape(1) == height && deltas[i].shape(2) == width,
                  "propose: expected objectness [A, h, w] and deltas [4 A, h, w] of each level, A "
                  "its sizes times its aspect ratios");
          levels.push_back({objectness[i].data(),
                            deltas[i].data(),
                            {static_cast<int>(height), static_cast<int>(width)}});
          spec.objectness_outputs.push_back("objectness_" + std::to_string(i));
          spec.deltas_outputs.push_back("deltas_" + std::to_string(i));
        }
        Proposals proposals;
        {
          nb::gil_scoped_release release;
          proposals =
              propose(spec, levels, to_size(image_size), to_size(input_size), ThreadPool::global());
        }
        const std::size_t found = proposals.scores.size();
        return nb::make_tuple(to_boxes(std::move(proposals.boxes)),
                              to_numpy(std::move(proposals.scores), {found}));
      },
      nb::arg("objectness"), nb::arg("deltas"), nb::arg("image_size"), nb::arg("input_size"),
      nb::arg("sizes"), nb::arg("aspect_ratios"), nb::kw_only(),
      nb::arg("weights") = Weights{1, 1, 1, 1},
      nb::arg("max_log_scale") = defaults.coder.max_log_scale,
      nb::arg("pre_nms_top_n") = defaults.pre_nms_top_n,
      nb::arg("post_nms_top_n") = defaults.post_nms_top_n,
      nb::arg("nms_threshold") = defaults.nms_threshold,
      nb::arg("score_threshold") = defaults.score_threshold,
      nb::arg("min_size") = defaults.min_size);
}

void bind_box_head(nb::module_& m) {
  const BoxHeadSpec defaults;
  m.def(
      "box_head_detections",
      [](const Rows& logits, const Rows& deltas, const Boxes& proposals, Pair image_size,
         const Weights& weights, float max_log_scale, float score_threshold, double iou_threshold,
         int max_detections, float min_size, const std::vector<float>& thresholds) {
        const std::size_t count = proposals.shape(0), columns = logits.shape(1);
        require(logits.shape(0) == count && deltas.shape(0) == count && columns > 1 &&
                    deltas.shape(1) == 4 * columns &&
                    (thresholds.empty() || thresholds.size() == columns - 1),
                "box_head_detections: expected logits [R, classes + 1], deltas "
                "[R, 4 (classes + 1)], proposals [R, 4] and no or one threshold for each class");
        BoxHeadSpec spec;
        spec.logits_output = "logits";
        spec.deltas_output = "deltas";
        spec.coder = to_coder(weights, max_log_scale);
        spec.score_threshold = score_threshold;
        spec.iou_threshold = iou_threshold;
        spec.max_detections = max_detections;
        spec.min_size = min_size;
        const Size image = to_size(image_size);
        Detections found;
        {
          nb::gil_scoped_release release;
          found = box_head_detections(spec, logits.data(), deltas.data(), proposals.data(), count,
                                      static_cast<int>(columns) - 1, {image, image, image, 0, 0},
                                      thresholds, ThreadPool::global());
        }
        const std::size_t kept = found.scores.size();
        return nb::make_tuple(to_boxes(std::move(found.boxes)),
                              to_numpy(std::move(found.scores), {kept}),
                              to_numpy(std::move(found.labels), {kept}));
      },
      nb::arg("logits"), nb::arg("deltas"), nb::arg("proposals"), nb::arg("image_size"),
      nb::kw_only(), nb::arg("weights") = Weights{10, 10, 5, 5},
      nb::arg("max_log_scale") = defaults.coder.max_log_scale,
      nb::arg("score_threshold") = defaults.score_threshold,
      nb::arg("iou_threshold") = defaults.iou_threshold,
      nb::arg("max_detections") = defaults.max_detections, nb::arg("min_size") = defaults.min_size,
      nb::arg("thresholds") = std::vector<float>{});
  m.def(
      "assign_levels",
      [](const Boxes& boxes, const std::vector<float>& scales, float canonical_scale,
         int canonical_level) {
        require(!scales.empty(), "assign_levels: expected at least one scale");
        std::vector<std::int32_t> levels;
        {
          nb::gil_scoped_release release;
          levels = assign_levels({scales, canonical_scale, canonical_level}, boxes.data(),
                                 boxes.shape(0));
        }
        const std::size_t count = levels.size();
        return to_numpy(std::move(levels), {count});
      },
      nb::arg("boxes"), nb::arg("scales"), nb::arg("canonical_scale") = LevelSpec{}.canonical_scale,
      nb::arg("canonical_level") = LevelSpec{}.canonical_level);
}

}  // namespace

void bind_two_stage_ops(nb::module_& m) {
  bind_anchors(m);
  bind_proposals(m);
  bind_box_head(m);
}

}  // namespace edgecv::bindings
