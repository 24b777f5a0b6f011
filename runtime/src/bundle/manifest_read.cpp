#include "bundle/json_node.hpp"
#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/manifest_values.hpp"
#include "edgecv/bundle/manifest.hpp"

namespace edgecv {
namespace {

template <typename Read>
auto optional(const JsonNode& node, Read read) {
  std::optional<decltype(read(node))> result;
  if (!node.is_null()) result = read(node);
  return result;
}

int read_integer(const JsonNode& node) { return node.integer(); }

std::array<double, 3> read_per_channel(const JsonNode& node, int channels, double other) {
  const std::vector<double> given = node.list(read_number);
  if (given.size() != static_cast<std::size_t>(channels)) {
    bad_value(node.path(), "one number for each of " + std::to_string(channels) + " channels",
              std::to_string(given.size()));
  }
  std::array<double, 3> values{other, other, other};
  std::copy(given.begin(), given.end(), values.begin());
  return values;
}

InputSpec read_input(const JsonNode& node) {
  const JsonObject object = node.object({"color", "size", "resize", "max_size", "align", "crop",
                                         "interpolation", "antialias", "scale", "mean", "std",
                                         "pad_value", "pad_multiple", "dtype", "layout"});
  InputSpec input;
  input.color = object["color"].name<Color>();
  input.size = optional(object["size"], read_size);
  input.resize = object["resize"].name<Resize>();
  input.max_size = optional(object["max_size"], read_integer);
  input.align = object["align"].name<Align>();
  input.crop = optional(object["crop"], read_size);
  input.interpolation = object["interpolation"].name<Interpolation>();
  input.antialias = object["antialias"].boolean();
  input.scale = object["scale"].number();
  input.mean = read_per_channel(object["mean"], input.channels(), 0);
  input.std = read_per_channel(object["std"], input.channels(), 1);
  input.pad_value = object["pad_value"].number();
  input.pad_multiple = object["pad_multiple"].integer();
  input.dtype = object["dtype"].name<DType>();
  input.layout = object["layout"].name<Layout>();
  return input;
}

std::int64_t read_axis(const JsonNode& node) {
  if (node.is_null()) return -1;
  const std::int64_t length = node.integer64();
  if (length < 1) bad_value(node.path(), "a length of at least 1 or null", std::to_string(length));
  return length;
}

TensorSpec read_tensor(const JsonNode& node) {
  const JsonObject object = node.object({"name", "dtype", "shape"});
  return {object["name"].string(), object["dtype"].name<DType>(), object["shape"].list(read_axis)};
}

GraphFile read_graph(const JsonNode& node) {
  const JsonObject object =
      node.object({"file", "sha256", "precision", "dialect", "inputs", "outputs"});
  GraphFile graph;
  graph.file = object["file"].string();
  graph.sha256 = read_sha256(object["sha256"]);
  graph.precision = object["precision"].string();
  graph.dialect = object["dialect"].string();
  graph.inputs = object["inputs"].list(read_tensor);
  graph.outputs = object["outputs"].list(read_tensor);
  return graph;
}

PostprocessSpec read_postprocess(const JsonNode& node) {
  const std::string method = node.tag("method");
  if (method == "ssd") return read_ssd(node);
  if (method == "retinanet" || method == "fcos") return read_dense(node);
  if (method == "rcnn") return read_rcnn(node);
  if (method == "classify") return read_classify(node);
  if (method == "segment") return read_segment(node);
  if (method == "stylize") return read_stylize(node);
  bad_value(node.path() + ".method",
            "one of ssd, retinanet, fcos, rcnn, classify, segment, stylize", quoted(method));
}

/// Looked at before everything else: another schema has other keys.
int read_schema(const Json& document) {
  if (!document.is_object() || !document.contains("schema")) {
    bad_manifest("schema", "missing; a manifest is an object with the key schema");
  }
  const JsonNode node(document["schema"], "schema");
  const std::int64_t schema = node.integer64();
  if (schema > Manifest::current_schema) {
    throw Error(ErrorCode::bad_bundle,
                "bundle.json has schema " + std::to_string(schema) + ", this edgecv reads up to " +
                    std::to_string(Manifest::current_schema) + ": install a newer edgecv");
  }
  if (schema < 1) bad_value("schema", "1 or above", std::to_string(schema));
  return static_cast<int>(schema);
}

}  // namespace

Manifest Manifest::from_json(const std::string& text) {
  const Json document = parse_json(text);
  Manifest manifest;
  manifest.schema = read_schema(document);

  const JsonObject object = JsonNode(document, "")
                                .object({"schema", "name", "task", "architecture", "labels",
                                         "input", "graphs", "postprocess", "provenance"},
                                        "thresholds");
  manifest.name = object["name"].string();
  manifest.task = object["task"].name<Task>();
  manifest.architecture = object["architecture"].string();
  manifest.labels = object["labels"].list(read_string);
  manifest.input = read_input(object["input"]);
  for (const auto& [role, files] : object["graphs"].members()) {
    manifest.graphs[role] = files.list(read_graph);
  }
  manifest.postprocess = read_postprocess(object["postprocess"]);
  if (document.contains("thresholds")) {
    const JsonNode thresholds = object["thresholds"];
    manifest.thresholds = thresholds.json().is_array()
                              ? thresholds.list([](const JsonNode& each) { return each.float32(); })
                              : std::vector<float>{thresholds.float32()};
    // An empty list is no way to say nothing.
    if (manifest.thresholds.empty()) bad_value("thresholds", "a number or a list of numbers", "[]");
  }
  object["provenance"].members();  // an object; its content is free
  manifest.provenance = object["provenance"].json().dump();
  check(manifest);
  return manifest;
}

}  // namespace edgecv
