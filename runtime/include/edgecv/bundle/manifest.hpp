// bundle.json as a typed record; read, validated and written here only.
//
//   const edgecv::Manifest manifest = edgecv::Manifest::from_json("{}");  // Error: what is missing
//   if (const auto* ssd = std::get_if<edgecv::SsdSpec>(&manifest.postprocess)) {
//     std::printf("%s, at most %d boxes\n", manifest.name.c_str(), ssd->max_detections);
//   }
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "edgecv/classification/classify.hpp"
#include "edgecv/detection/dense.hpp"
#include "edgecv/detection/rcnn.hpp"
#include "edgecv/detection/ssd.hpp"
#include "edgecv/engine/tensor.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/input_spec.hpp"
#include "edgecv/segmentation/segment.hpp"
#include "edgecv/style/stylize.hpp"

namespace edgecv {

enum class Task { classify, detect, instance, segment, stylize };
EDGECV_API const char* to_string(Task task);

/// One file that holds a graph, in one precision and dialect.
struct GraphFile {
  std::string file;
  std::string sha256;
  std::string precision = "fp32";  // fp32 | fp16 | bf16 | int8
  std::string dialect = "onnx";  // onnx (any ONNX engine) | tensorrt (only what TensorRT compiles)
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

/// What is done with the outputs: one alternative for each family of networks.
using PostprocessSpec =
    std::variant<SsdSpec, DenseSpec, RcnnSpec, ClassifySpec, SegmentSpec, StylizeSpec>;

struct EDGECV_API Manifest {
  static constexpr int current_schema = 3;  // 2: classify, segment, stylize; 3: thresholds

  int schema = current_schema;
  std::string name;
  Task task = Task::detect;
  std::string architecture;
  std::vector<std::string> labels;
  InputSpec input;
  std::map<std::string, std::vector<GraphFile>> graphs;  // by role
  PostprocessSpec postprocess;
  /// Operating score thresholds of a detector: none (the usual one), one for all labels, or one for
  /// each. See operating_thresholds().
  std::vector<float> thresholds;
  std::string provenance = "{}";  // a JSON object: versions, checkpoint sha256, parity report

  /// Throws Error (bad_bundle) that names the key: unknown, missing, of the wrong type or value, a
  /// newer schema.
  static Manifest from_json(const std::string& text);
  std::string to_json() const;  // indented, keys in the order of the documentation

  /// The same with other operating thresholds, in the schema that has them. Throws as from_json().
  Manifest with_thresholds(std::vector<float> values) const;
};

/// The score above which a detector reports an object, where its bundle and its user say nothing.
constexpr float kOperatingThreshold = 0.5f;

/// The scores that a detector's objects must be above: one for each label, the manifest's own or
/// kOperatingThreshold, which a higher score_threshold raises. Empty for other tasks.
EDGECV_API std::vector<float> operating_thresholds(const Manifest& manifest);

/// The lowest score that the postprocessing was made for, 0.01 to 0.05 mostly: what mean average
/// precision is measured with. 0 for other tasks than a detector's.
EDGECV_API float measuring_threshold(const Manifest& manifest);

}  // namespace edgecv
