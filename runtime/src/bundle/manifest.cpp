#include "edgecv/bundle/manifest.hpp"

#include <algorithm>
#include <set>

#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/names.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kMaxLabels = 100000;
constexpr std::size_t kMaxAxes = 8;

void check_labels(const std::vector<std::string>& labels, Task task) {
  if (task == Task::stylize) {
    if (!labels.empty()) bad_value("labels", "none for stylize", std::to_string(labels.size()));
    return;
  }
  if (labels.empty() || labels.size() > kMaxLabels) {
    bad_value("labels", "1 to " + std::to_string(kMaxLabels) + " names",
              std::to_string(labels.size()));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].empty()) require_text(labels[i], item("labels", i));
  }
}

void check_input(const InputSpec& input) {
  try {
    check(input);
  } catch (const Error& error) {
    bad_manifest("", error.what());  // it begins with the key
  }
}

void check_tensors(const std::vector<TensorSpec>& tensors, const std::string& path) {
  if (tensors.empty()) bad_value(path, "at least one tensor", "none");
  std::set<std::string> names;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    require_text(tensors[i].name, item(path, i) + ".name");
    if (!names.insert(tensors[i].name).second) {
      bad_manifest(item(path, i) + ".name", "the name is there twice: " + quoted(tensors[i].name));
    }
    const Shape& shape = tensors[i].shape;
    const bool lengths = std::all_of(
        shape.begin(), shape.end(), [](std::int64_t length) { return length == -1 || length > 0; });
    if (!lengths || shape.size() > kMaxAxes) {
      bad_value(item(path, i) + ".shape",
                "at most " + std::to_string(kMaxAxes) + " lengths of at least 1 (or any length)",
                shape.size() > kMaxAxes ? std::to_string(shape.size()) : to_string(shape));
    }
  }
}

/// What holds for the graphs of every task.
void check_graphs(const Manifest& manifest) {
  for (const auto& [role, files] : manifest.graphs) {
    const std::string role_path = member("graphs", role);
    if (files.empty()) bad_value(role_path, "at least one file", "none");
    std::set<std::pair<std::string, std::string>> variants;
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string path = item(role_path, i);
      check_file_name(path + ".file", files[i].file);
      require_sha256(files[i].sha256, path + ".sha256");
      check_one_of(files[i].precision, {"fp32", "fp16", "bf16", "int8"}, path + ".precision");
      check_one_of(files[i].dialect, {"onnx", "tensorrt"}, path + ".dialect");
      if (!variants.emplace(files[i].precision, files[i].dialect).second) {
        bad_manifest(path, "a second graph for precision " + files[i].precision + " and dialect " +
                               files[i].dialect);
      }
      check_tensors(files[i].inputs, path + ".inputs");
      check_tensors(files[i].outputs, path + ".outputs");
    }
  }
}

void check_thresholds(const Manifest& manifest) {
  const std::vector<float>& thresholds = manifest.thresholds;
  if (thresholds.empty()) return;
  require_schema(manifest, 3, "there are thresholds");
  if (manifest.task != Task::detect && manifest.task != Task::instance) {
    bad_value("task", "detect or instance, since there are thresholds", to_string(manifest.task));
  }
  if (thresholds.size() != 1) {
    require_count(thresholds.size(), manifest.labels.size(), "thresholds",
                  "numbers, one for each label");
  }
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    require_fraction(thresholds[i], item("thresholds", i));
  }
}

}  // namespace

float measuring_threshold(const Manifest& manifest) {
  if (const auto* ssd = std::get_if<SsdSpec>(&manifest.postprocess)) return ssd->score_threshold;
  if (const auto* dense = std::get_if<DenseSpec>(&manifest.postprocess)) {
    return dense->score_threshold;
  }
  const auto* rcnn = std::get_if<RcnnSpec>(&manifest.postprocess);
  return rcnn != nullptr ? rcnn->box_head.score_threshold : 0;
}

std::vector<float> operating_thresholds(const Manifest& manifest) {
  if (manifest.task != Task::detect && manifest.task != Task::instance) return {};
  if (manifest.thresholds.size() > 1) return manifest.thresholds;
  const float threshold = manifest.thresholds.empty()
                              ? std::max(kOperatingThreshold, measuring_threshold(manifest))
                              : manifest.thresholds[0];
  return std::vector<float>(manifest.labels.size(), threshold);
}

Manifest Manifest::with_thresholds(std::vector<float> values) const {
  Manifest changed = *this;
  changed.thresholds = std::move(values);
  changed.schema = std::max(schema, 3);
  check(changed);
  return changed;
}

const char* to_string(Task task) { return name_of(task); }

void require_schema(const Manifest& manifest, int schema, const std::string& why) {
  if (manifest.schema < schema) {
    bad_value("schema", std::to_string(schema) + " or above, since " + why,
              std::to_string(manifest.schema));
  }
}

void check_score_function(ScoreFunction function, std::int64_t columns) {
  if (columns == 1 && function == ScoreFunction::softmax) {
    bad_value("postprocess.scores.function",
              "sigmoid, or none for probabilities, since the softmax of one score is always 1",
              "softmax");
  }
}

std::int64_t score_columns(const Manifest& manifest, ScoreFunction function,
                           const TensorSpec& scores) {
  const auto labels = static_cast<std::int64_t>(manifest.labels.size());
  const bool pair = labels == 2 && scores.shape.size() > 1 && scores.shape[1] == 1;
  check_score_function(function, pair ? 1 : labels);
  if (!pair) return labels;
  require_schema(manifest, 3, "one score decides between two labels");
  return 1;
}

void check_method(const Manifest& manifest, const std::string& method, Task task,
                  int since_schema) {
  require_schema(manifest, since_schema, "postprocess.method is " + method);
  if (manifest.task != task) {
    bad_value("task", std::string(to_string(task)) + ", since postprocess.method is " + method,
              to_string(manifest.task));
  }
}

void check_main_graphs(
    const Manifest& manifest,
    const std::function<void(const GraphFile&, const std::string&)>& check_outputs) {
  check_roles(manifest, {"main"});
  const std::vector<GraphFile>& graphs = manifest.graphs.at("main");
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    const std::string path = item("graphs.main", i);
    require_count(graphs[i].inputs.size(), 1, path + ".inputs", "tensor of images");
    check_image_tensor(manifest, graphs[i].inputs[0], path + ".inputs[0]");
    check_outputs(graphs[i], path);
  }
}

void check_roles(const Manifest& manifest, std::initializer_list<const char*> roles) {
  for (const char* role : roles) {
    if (manifest.graphs.count(role) == 0) {
      bad_manifest(std::string("graphs.") + role, "missing");
    }
  }
  for (const auto& [role, files] : manifest.graphs) check_one_of(role, roles, "graphs");
}

void check_image_tensor(const Manifest& manifest, const TensorSpec& tensor,
                        const std::string& path) {
  const InputSpec& input = manifest.input;
  if (tensor.dtype != input.dtype) {
    bad_value(path + ".dtype", std::string(to_string(input.dtype)) + " as input.dtype",
              to_string(tensor.dtype));
  }
  const Size size = network_input_size(manifest).value_or(Size{-1, -1});
  Shape expected{-1, input.channels(), size.height, size.width};
  if (input.layout == Layout::nhwc) expected = {-1, size.height, size.width, input.channels()};
  const bool fits = tensor.shape.size() == expected.size() &&
                    std::equal(expected.begin(), expected.end(), tensor.shape.begin(), same_length);
  if (!fits) {
    bad_value(path + ".shape",
              to_string(expected) + " to fit the input record (a batch axis, then " +
                  (input.layout == Layout::nhwc ? "height, width, channels)"
                                                : "channels, height, width)"),
              to_string(tensor.shape));
  }
}

void check_file_name(const std::string& path, const std::string& file) {
  const auto refuse = [&](const std::string& why) {
    bad_manifest(path,
                 quoted(file) + " is not a plain relative path inside the bundle (" + why + ")");
  };
  if (file.empty()) refuse("empty");
  if (file.size() > 1024) refuse("longer than 1024 bytes");
  for (const char character : file) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f) refuse("a control character");
    if (character == '\\') refuse("a backslash; folders are divided by /");
    if (character == ':') refuse("a colon");
  }
  for (std::size_t begin = 0; begin <= file.size();) {
    const std::size_t end = std::min(file.find('/', begin), file.size());
    const std::string part = file.substr(begin, end - begin);
    if (part.empty()) refuse(begin == 0 ? "absolute" : "an empty part");
    if (part == "." || part == "..") refuse("the part " + part);
    begin = end + 1;
  }
}

const TensorSpec& find_output(const GraphFile& graph, const std::string& graph_path,
                              const std::string& name, const std::string& key) {
  std::string names;
  for (const TensorSpec& output : graph.outputs) {
    if (output.name == name) return output;
    if (names.size() < 200) names += (names.empty() ? "" : ", ") + quoted(output.name);
  }
  bad_value(key, "an output of " + graph_path + " (" + names + ")", quoted(name));
}

void check_float_tensor(const TensorSpec& tensor, const Shape& expected, const std::string& why,
                        const std::string& path) {
  if (tensor.dtype != DType::float32) {
    bad_value(path + " " + quoted(tensor.name), "dtype float32", to_string(tensor.dtype));
  }
  const Shape& shape = tensor.shape;
  if (shape.size() != expected.size() ||
      !std::equal(expected.begin(), expected.end(), shape.begin(), same_length)) {
    bad_value(path + " " + quoted(tensor.name), "shape " + to_string(expected) + " (" + why + ")",
              to_string(shape));
  }
}

void check_box_tensor(const TensorSpec& tensor, std::int64_t boxes, std::int64_t columns,
                      const std::string& why, const std::string& path) {
  check_float_tensor(tensor, {-1, boxes, columns}, why, path);
}

void check_coder(const BoxCoder& coder, const std::string& path) {
  require_all_positive(
      std::vector<float>{coder.weight_x, coder.weight_y, coder.weight_w, coder.weight_h},
      path + ".weights");
  constexpr float kMaxLogScale = 60;  // e^60 times any anchor is a float
  if (!(coder.max_log_scale > 0 && coder.max_log_scale <= kMaxLogScale)) {
    bad_value(path + ".max_log_scale", "a number above 0, at most 60",
              shortest_digits(coder.max_log_scale));
  }
}

void check_grid_anchors(const GridAnchors& anchors, std::size_t levels, const std::string& path,
                        const std::string& each) {
  constexpr std::size_t kMaxPerCell = 1000;
  for (const auto& [lists, key] :
       {std::pair{&anchors.sizes, ".sizes"}, {&anchors.aspect_ratios, ".aspect_ratios"}}) {
    require_count(lists->size(), levels, path + key, each);
    for (std::size_t level = 0; level < levels; ++level) {
      const std::vector<float>& values = (*lists)[level];
      const std::string level_path = item(path + key, level);
      if (values.empty() || values.size() > kMaxPerCell) {
        bad_value(level_path, "1 to " + std::to_string(kMaxPerCell) + " numbers",
                  std::to_string(values.size()));
      }
      require_all_positive(values, level_path);
    }
  }
}

std::optional<Size> network_input_size(const Manifest& manifest) {
  const InputSpec& input = manifest.input;
  const bool to_size = input.resize == Resize::stretch || input.resize == Resize::letterbox;
  if (input.crop || (to_size && input.size)) {
    const Size size = input.crop ? *input.crop : *input.size;
    const auto padded = [&](int side) {
      return (side + input.pad_multiple - 1) / input.pad_multiple * input.pad_multiple;
    };
    return Size{padded(size.height), padded(size.width)};
  }
  if (input.resize != Resize::none) return std::nullopt;
  auto first = manifest.graphs.find("main");
  if (first == manifest.graphs.end()) first = manifest.graphs.find("trunk");
  if (first == manifest.graphs.end() || first->second.empty()) return std::nullopt;
  const GraphFile& graph = first->second.front();
  if (graph.inputs.empty() || graph.inputs[0].shape.size() != 4) return std::nullopt;
  const Shape& shape = graph.inputs[0].shape;
  const std::size_t height_axis = input.layout == Layout::nhwc ? 1 : 2;
  const std::int64_t height = shape[height_axis], width = shape[height_axis + 1];
  if (height < 1 || width < 1 || height > max_side || width > max_side) return std::nullopt;
  return Size{static_cast<int>(height), static_cast<int>(width)};
}

void check(const Manifest& manifest) {
  if (manifest.schema < 1 || manifest.schema > Manifest::current_schema) {
    bad_value("schema", "1 to " + std::to_string(Manifest::current_schema),
              std::to_string(manifest.schema));
  }
  require_text(manifest.name, "name");
  require_text(manifest.architecture, "architecture");
  check_labels(manifest.labels, manifest.task);
  check_input(manifest.input);
  if (manifest.input.interpolation == Interpolation::bicubic) {
    require_schema(manifest, 2, "input.interpolation is bicubic");
  }
  check_graphs(manifest);
  check_thresholds(manifest);
  std::visit([&](const auto& spec) { check(manifest, spec); }, manifest.postprocess);
}

}  // namespace edgecv
