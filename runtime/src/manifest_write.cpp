#include "edgecv/manifest.hpp"
#include "json_node.hpp"
#include "manifest_rules.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kLineWidth = 100;

/// As the double with the float's shortest digits: 0.01 for 0.01f, not 0.009999999776.
Json number(float value) { return Json::parse(shortest_digits(value)).get<double>(); }

Json numbers(const std::vector<float>& values) {
  Json array = Json::array();
  for (const float value : values) array.push_back(number(value));
  return array;
}

Json lists(const std::vector<std::vector<float>>& values) {
  Json array = Json::array();
  for (const auto& list : values) array.push_back(numbers(list));
  return array;
}

Json size(Size value) { return Json::array({value.height, value.width}); }

Json size(const std::optional<Size>& value) { return value ? size(*value) : Json(); }

Json sizes(const std::vector<Size>& values) {
  Json array = Json::array();
  for (const Size value : values) array.push_back(size(value));
  return array;
}

Json per_channel(const std::array<double, 3>& values, int channels) {
  return std::vector<double>(values.begin(), values.begin() + channels);
}

Json write(const InputSpec& input) {
  Json object;
  object["color"] = name_of(input.color);
  object["size"] = size(input.size);
  object["resize"] = name_of(input.resize);
  object["max_size"] = input.max_size ? Json(*input.max_size) : Json();
  object["align"] = name_of(input.align);
  object["crop"] = size(input.crop);
  object["interpolation"] = name_of(input.interpolation);
  object["antialias"] = input.antialias;
  object["scale"] = input.scale;
  object["mean"] = per_channel(input.mean, input.channels());
  object["std"] = per_channel(input.std, input.channels());
  object["pad_value"] = input.pad_value;
  object["pad_multiple"] = input.pad_multiple;
  object["dtype"] = name_of(input.dtype);
  object["layout"] = name_of(input.layout);
  return object;
}

Json write(const std::vector<TensorSpec>& tensors) {
  Json array = Json::array();
  for (const TensorSpec& tensor : tensors) {
    Json shape = Json::array();
    for (const std::int64_t length : tensor.shape)
      shape.push_back(length < 0 ? Json() : Json(length));
    Json object;
    object["name"] = tensor.name;
    object["dtype"] = name_of(tensor.dtype);
    object["shape"] = shape;
    array.push_back(object);
  }
  return array;
}

Json write(const std::map<std::string, std::vector<GraphFile>>& graphs) {
  Json roles = Json::object();
  for (const auto& [role, files] : graphs) {
    Json& array = roles[role] = Json::array();
    for (const GraphFile& graph : files) {
      Json object;
      object["file"] = graph.file;
      object["sha256"] = graph.sha256;
      object["precision"] = graph.precision;
      object["dialect"] = graph.dialect;
      object["inputs"] = write(graph.inputs);
      object["outputs"] = write(graph.outputs);
      array.push_back(object);
    }
  }
  return roles;
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

Json write(const SsdSpec& spec) {
  Json scores;
  scores["output"] = spec.scores_output;
  scores["function"] = name_of(spec.score_function);
  scores["background"] = name_of(spec.background);
  Json boxes;
  boxes["output"] = spec.boxes_output;
  boxes["encoding"] = spec.boxes_are_deltas ? "deltas" : name_of(spec.box_format);
  boxes["normalized"] = spec.boxes_normalized;
  boxes["weights"] =
      numbers({spec.coder.weight_x, spec.coder.weight_y, spec.coder.weight_w, spec.coder.weight_h});
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

bool holds_object(const Json& value) {
  if (!value.is_structured()) return false;
  for (const Json& item : value) {
    if (item.is_object() || holds_object(item)) return true;
  }
  return false;
}

std::string on_one_line(const Json& value) {
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, item] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += Json(key).dump() + ": ";
    text += on_one_line(item);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

/// Indented by 2; what holds no object stays on one line where it fits.
void print(const Json& value, std::size_t indent, std::size_t column, std::string& text) {
  if (!holds_object(value)) {
    const std::string line = on_one_line(value);
    if (!value.is_structured() || value.empty() || column + line.size() < kLineWidth) {
      text += line;
      return;
    }
  }
  const std::string margin(indent + 2, ' ');
  text += value.is_object() ? "{" : "[";
  const char* separator = "\n";
  for (const auto& [key, item] : value.items()) {
    const std::string label = value.is_object() ? Json(key).dump() + ": " : "";
    text += separator + margin + label;
    print(item, indent + 2, margin.size() + label.size(), text);
    separator = ",\n";
  }
  text += "\n" + std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

}  // namespace

std::string Manifest::to_json() const {
  check(*this);
  Json document;
  document["schema"] = schema;
  document["name"] = name;
  document["task"] = name_of(task);
  document["architecture"] = architecture;
  document["labels"] = labels;
  document["input"] = write(input);
  document["graphs"] = write(graphs);
  document["postprocess"] = write(postprocess);
  document["provenance"] = parse_json(provenance, "provenance");
  JsonNode(document["provenance"], "provenance").members();
  std::string text;
  try {
    print(document, 0, 0, text);
  } catch (const Json::type_error&) {
    bad_manifest("", "a string is not UTF-8");
  }
  text += "\n";
  parse_json(text);  // the limits of reading: what is written can be read
  return text;
}

}  // namespace edgecv
