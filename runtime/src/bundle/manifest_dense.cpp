// postprocess.method "retinanet" and "fcos" in bundle.json: read, written and checked.
#include <utility>

#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/manifest_values.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kMaxLevels = 16;
constexpr int kMaxStride = 65536;

int read_integer(const JsonNode& node) { return node.integer(); }

std::string read_output(const JsonNode& node) { return node.object({"output"})["output"].string(); }

Json write_output(const std::string& name) {
  Json object;
  object["output"] = name;
  return object;
}

void read_anchors(const JsonNode& node, DenseSpec& spec) {
  const JsonObject object = node.object({"sizes", "aspect_ratios", "strides"});
  spec.anchors.sizes = object["sizes"].list(read_floats);
  spec.anchors.aspect_ratios = object["aspect_ratios"].list(read_floats);
  spec.strides = object["strides"].list(read_integer);
}

void check_anchors(const DenseSpec& spec) {
  const std::string path = "postprocess.anchors";
  const std::size_t levels = spec.strides.size();
  if (levels < 1 || levels > kMaxLevels) {
    bad_value(path + ".strides",
              "a stride for each of 1 to " + std::to_string(kMaxLevels) + " levels",
              std::to_string(levels));
  }
  check_grid_anchors(spec.anchors, levels, path, "lists, one for each stride");
  for (std::size_t level = 0; level < levels; ++level) {
    const int stride = spec.strides[level];
    if (stride < 1 || stride > kMaxStride) {
      bad_value(item(path + ".strides", level), "1 to " + std::to_string(kMaxStride) + " pixels",
                std::to_string(stride));
    }
  }
}

}  // namespace

DenseSpec read_dense(const JsonNode& node) {
  DenseSpec spec;
  spec.distances = node.tag("method") == "fcos";
  const JsonObject object =
      spec.distances
          ? node.object({"method", "scores", "centerness", "boxes", "anchors", "score_threshold",
                         "iou_threshold", "topk_candidates", "max_detections"})
          : node.object({"method", "scores", "boxes", "anchors", "score_threshold", "iou_threshold",
                         "topk_candidates", "max_detections"});
  spec.logits_output = read_output(object["scores"]);
  if (spec.distances) {
    spec.centerness_output = read_output(object["centerness"]);
    spec.boxes_output = read_output(object["boxes"]);
  } else {
    const JsonObject boxes = object["boxes"].object({"output", "weights", "max_log_scale"});
    spec.boxes_output = boxes["output"].string();
    spec.coder = read_coder(boxes["weights"], boxes["max_log_scale"]);
  }
  read_anchors(object["anchors"], spec);
  spec.score_threshold = object["score_threshold"].float32();
  spec.iou_threshold = object["iou_threshold"].number();
  spec.topk_candidates = object["topk_candidates"].integer();
  spec.max_detections = object["max_detections"].integer();
  return spec;
}

Json write(const DenseSpec& spec) {
  Json object;
  object["method"] = spec.distances ? "fcos" : "retinanet";
  object["scores"] = write_output(spec.logits_output);
  if (spec.distances) object["centerness"] = write_output(spec.centerness_output);
  Json boxes = write_output(spec.boxes_output);
  if (!spec.distances) {
    boxes["weights"] = coder_weights(spec.coder);
    boxes["max_log_scale"] = number(spec.coder.max_log_scale);
  }
  object["boxes"] = boxes;
  Json anchors;
  anchors["sizes"] = lists(spec.anchors.sizes);
  anchors["aspect_ratios"] = lists(spec.anchors.aspect_ratios);
  anchors["strides"] = spec.strides;
  object["anchors"] = anchors;
  object["score_threshold"] = number(spec.score_threshold);
  object["iou_threshold"] = spec.iou_threshold;
  object["topk_candidates"] = spec.topk_candidates;
  object["max_detections"] = spec.max_detections;
  return object;
}

void check(const Manifest& manifest, const DenseSpec& spec) {
  const std::string method = spec.distances ? "fcos" : "retinanet";
  if (manifest.task != Task::detect) {
    bad_value("task", "detect, since postprocess.method is " + method, to_string(manifest.task));
  }
  check_roles(manifest, {"main"});
  check_anchors(spec);
  if (!spec.distances) check_coder(spec.coder, "postprocess.boxes");
  require_fraction(spec.score_threshold, "postprocess.score_threshold");
  require_fraction(spec.iou_threshold, "postprocess.iou_threshold");
  require_at_least_one(spec.topk_candidates, "postprocess.topk_candidates");
  require_at_least_one(spec.max_detections, "postprocess.max_detections");

  const std::optional<Size> size = network_input_size(manifest);
  const std::int64_t anchors = size ? anchor_count(spec, *size) : -1;
  if (anchors > static_cast<std::int64_t>(kMaxAnchors)) {
    bad_value("postprocess.anchors", "at most " + std::to_string(kMaxAnchors) + " anchors",
              std::to_string(anchors));
  }
  const auto classes = static_cast<std::int64_t>(manifest.labels.size());
  const std::vector<GraphFile>& graphs = manifest.graphs.at("main");
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    const std::string path = item("graphs.main", i);
    require_count(graphs[i].inputs.size(), 1, path + ".inputs", "tensor of images");
    check_image_tensor(manifest, graphs[i].inputs[0], path + ".inputs[0]");
    const auto check_output = [&](const std::string& name, const std::string& key,
                                  std::int64_t columns, const std::string& why) {
      check_box_tensor(find_output(graphs[i], path, name, "postprocess." + key + ".output"),
                       anchors, columns, why, path + ".outputs");
    };
    check_output(spec.logits_output, "scores", classes, "anchors, labels");
    check_output(spec.boxes_output, "boxes", 4, "anchors, 4");
    if (spec.distances) check_output(spec.centerness_output, "centerness", 1, "anchors, 1");
  }
}

}  // namespace edgecv
