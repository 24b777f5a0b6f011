#include "bundle/json_node.hpp"
#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/manifest_values.hpp"
#include "edgecv/bundle/manifest.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kLineWidth = 100;

Json size(const std::optional<Size>& value) { return value ? size(*value) : Json(); }

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
  document["postprocess"] = std::visit([](const auto& spec) { return write(spec); }, postprocess);
  if (thresholds.size() == 1) document["thresholds"] = number(thresholds[0]);
  if (thresholds.size() > 1) {
    for (const float threshold : thresholds) document["thresholds"].push_back(number(threshold));
  }
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
