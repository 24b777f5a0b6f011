// postprocess.method "ssd" in bundle.json, read and written.
#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_values.hpp"

namespace edgecv {
namespace {

DefaultBoxes read_default_boxes(const JsonNode& node) {
  const JsonObject object =
      node.object({"kind", "feature_sizes", "aspect_ratios", "scales", "steps", "clip"});
  DefaultBoxes boxes;
  boxes.feature_sizes = object["feature_sizes"].list(read_size);
  boxes.aspect_ratios = object["aspect_ratios"].list(read_floats);
  boxes.scales = object["scales"].list(read_number);
  if (!object["steps"].is_null()) {
    boxes.steps = object["steps"].list(read_number);
    if (boxes.steps.empty())
      bad_value(object["steps"].path(), "a step for each level or null", "[]");
  }
  boxes.clip = object["clip"].boolean();
  return boxes;
}

MultiboxPrior read_multibox_prior(const JsonNode& node) {
  const JsonObject object =
      node.object({"kind", "feature_sizes", "scales", "ratios", "pixel_ratios"});
  MultiboxPrior prior;
  prior.feature_sizes = object["feature_sizes"].list(read_size);
  prior.scales = object["scales"].list(read_floats);
  prior.ratios = object["ratios"].list(read_floats);
  prior.pixel_ratios = object["pixel_ratios"].boolean();
  return prior;
}

AnchorFile read_anchor_file(const JsonNode& node) {
  const JsonObject object = node.object({"kind", "file", "sha256", "normalized"});
  return {object["file"].string(), read_sha256(object["sha256"]), object["normalized"].boolean()};
}

decltype(SsdSpec::anchors) read_anchors(const JsonNode& node) {
  if (node.is_null()) return {};
  const std::string kind = node.tag("kind");
  if (kind == "default_boxes") return read_default_boxes(node);
  if (kind == "multibox_prior") return read_multibox_prior(node);
  if (kind == "file") return read_anchor_file(node);
  bad_value(node.path() + ".kind", "one of default_boxes, multibox_prior, file", quoted(kind));
}

void read_scores(const JsonNode& node, SsdSpec& spec) {
  const JsonObject object = node.object({"output", "function", "background"});
  spec.scores_output = object["output"].string();
  spec.score_function = object["function"].name<ScoreFunction>();
  spec.background = object["background"].name<Background>();
}

void read_boxes(const JsonNode& node, SsdSpec& spec) {
  const JsonObject object =
      node.object({"output", "encoding", "normalized", "weights", "max_log_scale"});
  spec.boxes_output = object["output"].string();
  const std::string encoding = object["encoding"].string();
  spec.boxes_are_deltas = encoding == "deltas";
  if (!spec.boxes_are_deltas) {
    const auto format = from_name<BoxFormat>(encoding);
    if (!format) {
      bad_value(object["encoding"].path(), "one of deltas, " + all_names<BoxFormat>(),
                quoted(encoding));
    }
    spec.box_format = *format;
  }
  spec.boxes_normalized = object["normalized"].boolean();
  spec.coder = read_coder(object["weights"], object["max_log_scale"]);
}

Json write(std::monostate) { return {}; }

Json write(const DefaultBoxes& boxes) {
  Json object;
  object["kind"] = "default_boxes";
  object["feature_sizes"] = sizes(boxes.feature_sizes);
  object["aspect_ratios"] = lists(boxes.aspect_ratios);
  object["scales"] = boxes.scales;
  object["steps"] = boxes.steps.empty() ? Json() : Json(boxes.steps);
  object["clip"] = boxes.clip;
  return object;
}

Json write(const MultiboxPrior& prior) {
  Json object;
  object["kind"] = "multibox_prior";
  object["feature_sizes"] = sizes(prior.feature_sizes);
  object["scales"] = lists(prior.scales);
  object["ratios"] = lists(prior.ratios);
  object["pixel_ratios"] = prior.pixel_ratios;
  return object;
}

Json write(const AnchorFile& anchors) {
  Json object;
  object["kind"] = "file";
  object["file"] = anchors.file;
  object["sha256"] = anchors.sha256;
  object["normalized"] = anchors.normalized;
  return object;
}

}  // namespace

SsdSpec read_ssd(const JsonNode& node) {
  const JsonObject object = node.object({"method", "scores", "boxes", "anchors", "score_threshold",
                                         "iou_threshold", "topk_candidates", "max_detections"});
  SsdSpec spec;
  read_scores(object["scores"], spec);
  read_boxes(object["boxes"], spec);
  spec.anchors = read_anchors(object["anchors"]);
  spec.score_threshold = object["score_threshold"].float32();
  spec.iou_threshold = object["iou_threshold"].number();
  spec.topk_candidates = object["topk_candidates"].integer();
  spec.max_detections = object["max_detections"].integer();
  return spec;
}

Json write(const SsdSpec& spec) {
  Json scores;
  scores["output"] = spec.scores_output;
  scores["function"] = name_of(spec.score_function);
  scores["background"] = name_of(spec.background);
  Json boxes;
  boxes["output"] = spec.boxes_output;
  boxes["encoding"] = spec.boxes_are_deltas ? "deltas" : name_of(spec.box_format);
  boxes["normalized"] = spec.boxes_normalized;
  boxes["weights"] = coder_weights(spec.coder);
  boxes["max_log_scale"] = number(spec.coder.max_log_scale);
  Json object;
  object["method"] = "ssd";
  object["scores"] = scores;
  object["boxes"] = boxes;
  object["anchors"] = std::visit([](const auto& anchors) { return write(anchors); }, spec.anchors);
  object["score_threshold"] = number(spec.score_threshold);
  object["iou_threshold"] = spec.iou_threshold;
  object["topk_candidates"] = spec.topk_candidates;
  object["max_detections"] = spec.max_detections;
  return object;
}

}  // namespace edgecv
