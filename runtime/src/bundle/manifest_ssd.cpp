// The rules for postprocess.method "ssd".
#include <utility>

#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/names.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {
namespace {

constexpr int kMaxFeatureSide = 65536;

void check_feature_sizes(const std::vector<Size>& sizes, const std::string& path) {
  if (sizes.empty()) bad_value(path, "a size for each level", "none");
  for (std::size_t level = 0; level < sizes.size(); ++level) {
    const auto [height, width] = sizes[level];
    if (height < 1 || width < 1 || height > kMaxFeatureSide || width > kMaxFeatureSide) {
      bad_value(item(path, level),
                "a height and a width of 1 to " + std::to_string(kMaxFeatureSide),
                to_string(Shape{height, width}));
    }
  }
}

/// Number of boxes of levels with that many boxes per cell.
template <typename PerCell>
std::int64_t count_boxes(const std::vector<Size>& sizes, PerCell per_cell) {
  std::int64_t count = 0;
  for (std::size_t level = 0; level < sizes.size(); ++level) {
    count += std::int64_t{sizes[level].height} * sizes[level].width * per_cell(level);
    if (static_cast<std::uint64_t>(count) > kMaxAnchors) {
      bad_value("postprocess.anchors", "at most " + std::to_string(kMaxAnchors) + " anchors",
                "more");
    }
  }
  return count;
}

std::int64_t check_anchors(const DefaultBoxes& boxes) {
  const std::string path = "postprocess.anchors";
  check_feature_sizes(boxes.feature_sizes, path + ".feature_sizes");
  const std::size_t levels = boxes.feature_sizes.size();
  require_count(boxes.aspect_ratios.size(), levels, path + ".aspect_ratios",
                "lists, one for each feature size");
  require_count(boxes.scales.size(), levels + 1, path + ".scales",
                "numbers, one more than feature sizes");
  if (!boxes.steps.empty()) {
    require_count(boxes.steps.size(), levels, path + ".steps",
                  "numbers, one for each feature size (or null)");
  }
  for (std::size_t level = 0; level < levels; ++level) {
    require_all_positive(boxes.aspect_ratios[level], item(path + ".aspect_ratios", level));
  }
  require_all_positive(boxes.scales, path + ".scales");
  require_all_positive(boxes.steps, path + ".steps");
  return count_boxes(boxes.feature_sizes, [&](std::size_t level) {
    return 2 + 2 * static_cast<std::int64_t>(boxes.aspect_ratios[level].size());
  });
}

std::int64_t check_anchors(const MultiboxPrior& prior) {
  const std::string path = "postprocess.anchors";
  check_feature_sizes(prior.feature_sizes, path + ".feature_sizes");
  const std::size_t levels = prior.feature_sizes.size();
  require_count(prior.scales.size(), levels, path + ".scales", "lists, one for each feature size");
  require_count(prior.ratios.size(), levels, path + ".ratios", "lists, one for each feature size");
  for (std::size_t level = 0; level < levels; ++level) {
    for (const auto& [values, name] :
         {std::pair{&prior.scales[level], ".scales"}, {&prior.ratios[level], ".ratios"}}) {
      if (values->empty()) bad_value(item(path + name, level), "at least one number", "none");
      require_all_positive(*values, item(path + name, level));
    }
  }
  return count_boxes(prior.feature_sizes, [&](std::size_t level) {
    return static_cast<std::int64_t>(prior.scales[level].size() + prior.ratios[level].size()) - 1;
  });
}

std::int64_t check_anchors(const AnchorFile& anchors) {
  check_file_name("postprocess.anchors.file", anchors.file);
  require_sha256(anchors.sha256, "postprocess.anchors.sha256");
  return -1;  // known when the file is read
}

std::int64_t check_anchors(std::monostate) { return -1; }

/// Number of anchors, -1 where only a file knows.
std::int64_t check_anchors(const Manifest& manifest, const SsdSpec& spec) {
  const std::string path = "postprocess.anchors";
  const bool none = std::holds_alternative<std::monostate>(spec.anchors);
  if (spec.boxes_are_deltas && none) {
    bad_value(path, "anchors, since postprocess.boxes.encoding is deltas", "null");
  }
  if (!spec.boxes_are_deltas && !none) {
    bad_value(path, "null, since postprocess.boxes.encoding is not deltas", "anchors");
  }
  const auto* file = std::get_if<AnchorFile>(&spec.anchors);
  const bool in_pixels = none || (file && !file->normalized);
  if (!in_pixels && !network_input_size(manifest)) {
    bad_manifest(path,
                 "these anchors need one input size for all images: give input a resize to a fixed "
                 "size, or use anchors of kind file in pixels");
  }
  return std::visit([](const auto& anchors) { return check_anchors(anchors); }, spec.anchors);
}

}  // namespace

void check(const Manifest& manifest, const SsdSpec& spec) {
  if (manifest.task != Task::detect) {
    bad_value("task", "detect, since postprocess.method is ssd", to_string(manifest.task));
  }
  check_roles(manifest, {"main"});

  const std::string boxes_path = "postprocess.boxes";
  if (spec.boxes_are_deltas && spec.boxes_normalized) {
    bad_value(boxes_path + ".normalized", "false, since the encoding is deltas", "true");
  }
  check_coder(spec.coder, boxes_path);
  require_fraction(spec.score_threshold, "postprocess.score_threshold");
  require_fraction(spec.iou_threshold, "postprocess.iou_threshold");
  require_at_least_one(spec.topk_candidates, "postprocess.topk_candidates");
  require_at_least_one(spec.max_detections, "postprocess.max_detections");

  std::int64_t boxes = check_anchors(manifest, spec);
  const bool background = spec.background != Background::none;
  const auto columns = static_cast<std::int64_t>(manifest.labels.size()) + background;
  check_score_function(spec.score_function, columns);
  const std::vector<GraphFile>& graphs = manifest.graphs.at("main");
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    const std::string path = item("graphs.main", i);
    require_count(graphs[i].inputs.size(), 1, path + ".inputs", "tensor of images");
    check_image_tensor(manifest, graphs[i].inputs[0], path + ".inputs[0]");

    const TensorSpec& scores =
        find_output(graphs[i], path, spec.scores_output, "postprocess.scores.output");
    const TensorSpec& deltas =
        find_output(graphs[i], path, spec.boxes_output, "postprocess.boxes.output");
    check_box_tensor(scores, boxes, columns,
                     std::string("anchors, labels") + (background ? " + background" : ""),
                     path + ".outputs");
    if (boxes < 0) boxes = scores.shape[1];
    check_box_tensor(deltas, boxes, 4, "boxes as in the scores, 4", path + ".outputs");
    if (boxes < 0) boxes = deltas.shape[1];
  }
}

std::optional<std::int64_t> box_count(const Manifest& manifest, const SsdSpec& spec) {
  for (const GraphFile& graph : manifest.graphs.at("main")) {
    for (const TensorSpec& output : graph.outputs) {
      const bool named = output.name == spec.scores_output || output.name == spec.boxes_output;
      if (named && output.shape[1] >= 0) return output.shape[1];
    }
  }
  return std::nullopt;
}

}  // namespace edgecv
