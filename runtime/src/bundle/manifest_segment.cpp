// postprocess.method "segment" in bundle.json: read, written and checked.
#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/manifest_values.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {
namespace {

CropWindows read_windows(const JsonNode& node) {
  const JsonObject object = node.object({"size", "overlap", "weight", "batch"});
  CropWindows windows;
  windows.size = object["size"].size();
  windows.overlap = object["overlap"].number();
  windows.weight = object["weight"].name<WindowWeight>();
  windows.batch = object["batch"].integer();
  return windows;
}

Json write(const CropWindows& windows) {
  Json object;
  object["size"] = size(windows.size);
  object["overlap"] = windows.overlap;
  object["weight"] = name_of(windows.weight);
  object["batch"] = windows.batch;
  return object;
}

}  // namespace

SegmentSpec read_segment(const JsonNode& node) {
  const JsonObject object = node.object({"method", "scores", "windows"});
  const JsonObject scores = object["scores"].object({"output", "function"});
  SegmentSpec spec;
  spec.scores_output = scores["output"].string();
  spec.score_function = scores["function"].name<ScoreFunction>();
  if (!object["windows"].is_null()) spec.windows = read_windows(object["windows"]);
  return spec;
}

Json write(const SegmentSpec& spec) {
  Json scores;
  scores["output"] = spec.scores_output;
  scores["function"] = name_of(spec.score_function);
  Json object;
  object["method"] = "segment";
  object["scores"] = scores;
  object["windows"] = spec.windows ? write(*spec.windows) : Json();
  return object;
}

void check(const Manifest& manifest, const SegmentSpec& spec) {
  check_method(manifest, "segment", Task::segment, 2);
  constexpr std::size_t most_classes = 65536;
  if (manifest.labels.size() > most_classes) {
    bad_value("labels", "at most 65536 names, since postprocess.method is segment",
              std::to_string(manifest.labels.size()));
  }
  try {
    check_segment_input(manifest.input, spec.windows);
  } catch (const Error& error) {
    bad_manifest("", error.what());  // it begins with the key
  }
  if (manifest.labels.size() < 2) {
    bad_value("labels", "two names or more, the first of what is not there where one score decides",
              "1");
  }
  check_main_graphs(manifest, [&](const GraphFile& graph, const std::string& path) {
    const TensorSpec& scores =
        find_output(graph, path, spec.scores_output, "postprocess.scores.output");
    const std::int64_t columns = score_columns(manifest, spec.score_function, scores);
    check_float_tensor(scores, {-1, columns, -1, -1}, "images, labels, height, width",
                       path + ".outputs");
    if (!spec.windows) return;
    const Size window = spec.windows->size;
    const Shape& shape = graph.inputs[0].shape;
    const std::size_t height_axis = manifest.input.layout == Layout::nhwc ? 1 : 2;
    if (!same_length(shape[height_axis], window.height) ||
        !same_length(shape[height_axis + 1], window.width)) {
      bad_value("postprocess.windows.size",
                "the height and width that " + path + " takes, " + to_string(shape),
                to_string(Shape{window.height, window.width}));
    }
  });
}

}  // namespace edgecv
