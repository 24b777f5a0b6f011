// postprocess.method "rcnn" in bundle.json: read, written and checked.
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/manifest_values.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kMaxLevels = 16;

RpnSpec read_rpn(const JsonNode& node) {
  const JsonObject object =
      node.object({"objectness", "deltas", "anchors", "weights", "max_log_scale", "pre_nms_top_n",
                   "post_nms_top_n", "iou_threshold", "score_threshold", "min_size"});
  RpnSpec rpn;
  rpn.objectness_outputs = object["objectness"].list(read_string);
  rpn.deltas_outputs = object["deltas"].list(read_string);
  const JsonObject anchors = object["anchors"].object({"sizes", "aspect_ratios"});
  rpn.anchors.sizes = anchors["sizes"].list(read_floats);
  rpn.anchors.aspect_ratios = anchors["aspect_ratios"].list(read_floats);
  rpn.coder = read_coder(object["weights"], object["max_log_scale"]);
  rpn.pre_nms_top_n = object["pre_nms_top_n"].integer();
  rpn.post_nms_top_n = object["post_nms_top_n"].integer();
  rpn.nms_threshold = object["iou_threshold"].number();
  rpn.score_threshold = object["score_threshold"].float32();
  rpn.min_size = object["min_size"].float32();
  return rpn;
}

LevelSpec read_levels(const JsonNode& node) {
  const JsonObject object = node.object({"scales", "canonical_scale", "canonical_level"});
  return {read_floats(object["scales"]), object["canonical_scale"].float32(),
          object["canonical_level"].integer()};
}

void read_roi(const JsonNode& node, RcnnSpec& spec) {
  const JsonObject object =
      node.object({"features", "levels", "logits", "deltas", "weights", "max_log_scale",
                   "score_threshold", "iou_threshold", "max_detections", "min_size"});
  spec.features = object["features"].list(read_string);
  spec.levels = read_levels(object["levels"]);
  BoxHeadSpec& head = spec.box_head;
  head.logits_output = object["logits"].string();
  head.deltas_output = object["deltas"].string();
  head.coder = read_coder(object["weights"], object["max_log_scale"]);
  head.score_threshold = object["score_threshold"].float32();
  head.iou_threshold = object["iou_threshold"].number();
  head.max_detections = object["max_detections"].integer();
  head.min_size = object["min_size"].float32();
}

MaskHeadSpec read_mask(const JsonNode& node) {
  const JsonObject object = node.object({"output", "threshold"});
  return {object["output"].string(), object["threshold"].float32()};
}

Json write_rpn(const RpnSpec& rpn) {
  Json object;
  object["objectness"] = rpn.objectness_outputs;
  object["deltas"] = rpn.deltas_outputs;
  object["anchors"]["sizes"] = lists(rpn.anchors.sizes);
  object["anchors"]["aspect_ratios"] = lists(rpn.anchors.aspect_ratios);
  object["weights"] = coder_weights(rpn.coder);
  object["max_log_scale"] = number(rpn.coder.max_log_scale);
  object["pre_nms_top_n"] = rpn.pre_nms_top_n;
  object["post_nms_top_n"] = rpn.post_nms_top_n;
  object["iou_threshold"] = rpn.nms_threshold;
  object["score_threshold"] = number(rpn.score_threshold);
  object["min_size"] = number(rpn.min_size);
  return object;
}

Json write_roi(const RcnnSpec& spec) {
  Json object;
  object["features"] = spec.features;
  object["levels"]["scales"] = numbers(spec.levels.scales);
  object["levels"]["canonical_scale"] = number(spec.levels.canonical_scale);
  object["levels"]["canonical_level"] = spec.levels.canonical_level;
  const BoxHeadSpec& head = spec.box_head;
  object["logits"] = head.logits_output;
  object["deltas"] = head.deltas_output;
  object["weights"] = coder_weights(head.coder);
  object["max_log_scale"] = number(head.coder.max_log_scale);
  object["score_threshold"] = number(head.score_threshold);
  object["iou_threshold"] = head.iou_threshold;
  object["max_detections"] = head.max_detections;
  object["min_size"] = number(head.min_size);
  return object;
}

Json write_mask(const MaskHeadSpec& mask) {
  Json object;
  object["output"] = mask.output;
  object["threshold"] = number(mask.threshold);
  return object;
}

void require_levels(std::size_t levels, const std::string& path) {
  if (levels < 1 || levels > kMaxLevels) {
    bad_value(path, "1 to " + std::to_string(kMaxLevels) + " levels", std::to_string(levels));
  }
}

void require_no_less_than_zero(float value, const std::string& path) {
  if (!(value >= 0) || !std::isfinite(value)) {
    bad_value(path, "a number of at least 0", shortest_digits(value));
  }
}

void check_rpn(const RpnSpec& rpn) {
  const std::string path = "postprocess.rpn";
  const std::size_t levels = rpn.objectness_outputs.size();
  require_levels(levels, path + ".objectness");
  require_count(rpn.deltas_outputs.size(), levels, path + ".deltas",
                "names, one for each of postprocess.rpn.objectness");
  check_grid_anchors(rpn.anchors, levels, path + ".anchors",
                     "lists, one for each of postprocess.rpn.objectness");
  check_coder(rpn.coder, path);
  require_at_least_one(rpn.pre_nms_top_n, path + ".pre_nms_top_n");
  require_at_least_one(rpn.post_nms_top_n, path + ".post_nms_top_n");
  require_fraction(rpn.nms_threshold, path + ".iou_threshold");
  require_fraction(rpn.score_threshold, path + ".score_threshold");
  require_no_less_than_zero(rpn.min_size, path + ".min_size");
}

/// Each level is as fine as the one before or half of it, so that every level that a box can be
/// given exists.
void check_levels(const LevelSpec& levels, std::size_t features) {
  const std::string path = "postprocess.roi.levels";
  require_count(levels.scales.size(), features, path + ".scales",
                "numbers, one for each of postprocess.roi.features");
  for (std::size_t i = 0; i < levels.scales.size(); ++i) {
    const float scale = levels.scales[i];
    int exponent = 0;
    const bool power_of_two = std::isfinite(scale) && std::frexp(scale, &exponent) == 0.5f;
    if (!power_of_two) {
      bad_value(item(path + ".scales", i), "a power of two (1, 0.5, 0.25, ...)",
                shortest_digits(scale));
    }
    if (i > 0 && scale != levels.scales[i - 1] && scale * 2 != levels.scales[i - 1]) {
      bad_value(item(path + ".scales", i), "the scale before it or half of it",
                shortest_digits(scale));
    }
  }
  require_positive(levels.canonical_scale, path + ".canonical_scale");
  constexpr int kMaxCanonicalLevel = 64;
  if (levels.canonical_level < 0 || levels.canonical_level > kMaxCanonicalLevel) {
    bad_value(path + ".canonical_level", "0 to " + std::to_string(kMaxCanonicalLevel),
              std::to_string(levels.canonical_level));
  }
}

void check_roi(const RcnnSpec& spec) {
  const std::string path = "postprocess.roi";
  require_levels(spec.features.size(), path + ".features");
  std::set<std::string> names;
  for (std::size_t i = 0; i < spec.features.size(); ++i) {
    if (!names.insert(spec.features[i]).second) {
      bad_manifest(item(path + ".features", i),
                   "the name is there twice: " + quoted(spec.features[i]));
    }
  }
  check_levels(spec.levels, spec.features.size());
  const BoxHeadSpec& head = spec.box_head;
  check_coder(head.coder, path);
  require_fraction(head.score_threshold, path + ".score_threshold");
  require_fraction(head.iou_threshold, path + ".iou_threshold");
  require_at_least_one(head.max_detections, path + ".max_detections");
  require_no_less_than_zero(head.min_size, path + ".min_size");
}

/// Boxes are clipped to the resized image, which must begin at the tensor's corner.
void check_place_in_tensor(const InputSpec& input) {
  if (input.crop) bad_value("input.crop", "null, since postprocess.method is rcnn", "a size");
  if (input.resize == Resize::letterbox && input.align != Align::top_left) {
    bad_value("input.align", "top_left, since postprocess.method is rcnn", "center");
  }
}

void check_port(const TensorSpec& port, DType dtype, const Shape& expected,
                const std::string& path) {
  const bool fits = port.dtype == dtype && port.shape.size() == expected.size() &&
                    std::equal(expected.begin(), expected.end(), port.shape.begin(), same_length);
  if (!fits) {
    bad_value(path + " " + quoted(port.name),
              std::string(to_string(dtype)) + " " + to_string(expected),
              std::string(to_string(port.dtype)) + " " + to_string(port.shape));
  }
}

void check_feature(const TensorSpec& port, const std::string& path) {
  const DType dtype = port.dtype == DType::float16 ? DType::float16 : DType::float32;
  check_port(port, dtype, {1, -1, -1, -1}, path);
}

void check_backbone(const Manifest& manifest, const RcnnSpec& spec, const GraphFile& graph,
                    const std::string& path) {
  require_count(graph.inputs.size(), 1, path + ".inputs", "tensor of images");
  check_image_tensor(manifest, graph.inputs[0], path + ".inputs[0]");
  if (!same_length(graph.inputs[0].shape[0], 1)) {
    bad_value(path + ".inputs[0].shape[0]", "null or 1, since images are run one by one",
              std::to_string(graph.inputs[0].shape[0]));
  }
  const auto output = [&](const std::string& name, const std::string& key) -> const TensorSpec& {
    return find_output(graph, path, name, key);
  };
  for (std::size_t i = 0; i < spec.features.size(); ++i) {
    check_feature(output(spec.features[i], item("postprocess.roi.features", i)), path + ".outputs");
  }
  if (!spec.rpn) return;
  for (std::size_t level = 0; level < spec.rpn->objectness_outputs.size(); ++level) {
    const std::int64_t anchors = spec.rpn->anchors.per_cell(level);
    check_port(
        output(spec.rpn->objectness_outputs[level], item("postprocess.rpn.objectness", level)),
        DType::float32, {1, anchors, -1, -1}, path + ".outputs");
    check_port(output(spec.rpn->deltas_outputs[level], item("postprocess.rpn.deltas", level)),
               DType::float32, {1, 4 * anchors, -1, -1}, path + ".outputs");
  }
}

/// Feature maps, boxes in the form of the dialect and, for the mask graph, labels; nothing else.
void check_roi_inputs(const RcnnSpec& spec, const GraphFile& graph, bool labels,
                      const std::string& path) {
  const auto input = [&](const std::string& name) -> const TensorSpec& {
    const auto found = std::find_if(graph.inputs.begin(), graph.inputs.end(),
                                    [&](const TensorSpec& port) { return port.name == name; });
    if (found == graph.inputs.end()) {
      bad_manifest(path, "expected an input " + quoted(name) + " in dialect " + graph.dialect);
    }
    return *found;
  };
  std::size_t count = spec.features.size();
  for (const std::string& name : spec.features) check_feature(input(name), path);
  if (graph.dialect == "onnx") {
    for (std::size_t level = 0; level < spec.features.size(); ++level) {
      check_port(input("boxes_" + std::to_string(level)), DType::float32, {-1, 4}, path);
    }
    count += spec.features.size();
  } else {
    check_port(input("boxes"), DType::float32, {-1, 4}, path);
    check_port(input("levels"), DType::int32, {-1}, path);
    count += 2;
  }
  if (labels) check_port(input("labels"), DType::int64, {-1}, path);
  require_count(graph.inputs.size(), count + labels, path, "inputs");
}

}  // namespace

RcnnSpec read_rcnn(const JsonNode& node) {
  const JsonObject object = node.object({"method", "rpn", "roi", "mask"});
  RcnnSpec spec;
  if (!object["rpn"].is_null()) spec.rpn = read_rpn(object["rpn"]);
  read_roi(object["roi"], spec);
  if (!object["mask"].is_null()) spec.mask = read_mask(object["mask"]);
  return spec;
}

Json write(const RcnnSpec& spec) {
  Json object;
  object["method"] = "rcnn";
  object["rpn"] = spec.rpn ? write_rpn(*spec.rpn) : Json();
  object["roi"] = write_roi(spec);
  object["mask"] = spec.mask ? write_mask(*spec.mask) : Json();
  return object;
}

void check(const Manifest& manifest, const RcnnSpec& spec) {
  const Task task = spec.mask ? Task::instance : Task::detect;
  if (manifest.task != task) {
    bad_value("task",
              std::string(to_string(task)) + ", since postprocess.mask is " +
                  (spec.mask ? "there" : "null"),
              to_string(manifest.task));
  }
  if (spec.mask) {
    check_roles(manifest, {"trunk", "roi", "mask"});
    require_fraction(spec.mask->threshold, "postprocess.mask.threshold");
  } else {
    check_roles(manifest, {"trunk", "roi"});
  }
  check_place_in_tensor(manifest.input);
  if (spec.rpn) check_rpn(*spec.rpn);
  check_roi(spec);

  for (const auto& [role, graphs] : manifest.graphs) {
    for (std::size_t i = 0; i < graphs.size(); ++i) {
      const GraphFile& graph = graphs[i];
      const std::string path = item("graphs." + role, i);
      if (role == "trunk") {
        check_backbone(manifest, spec, graph, path);
        continue;
      }
      check_roi_inputs(spec, graph, role == "mask", path + ".inputs");
      if (role == "mask") {
        check_port(find_output(graph, path, spec.mask->output, "postprocess.mask.output"),
                   DType::float32, {-1, 1, -1, -1}, path + ".outputs");
        continue;
      }
      const auto columns = static_cast<std::int64_t>(manifest.labels.size()) + 1;
      check_port(find_output(graph, path, spec.box_head.logits_output, "postprocess.roi.logits"),
                 DType::float32, {-1, columns}, path + ".outputs");
      check_port(find_output(graph, path, spec.box_head.deltas_output, "postprocess.roi.deltas"),
                 DType::float32, {-1, 4 * columns}, path + ".outputs");
    }
  }
}

}  // namespace edgecv
