#include <utility>

#include "edgecv/error.hpp"
#include "onnxruntime/run.hpp"

namespace edgecv {
namespace {

using onnxruntime::Session;

HashedFile graph_of(const Bundle& bundle, const std::string& role, OnnxRuntimeOptions& options) {
  if (options.precision.empty()) options.precision = bundle.default_precision();
  const GraphFile& graph = bundle.graph(role, options.precision, "onnx");
  return bundle.verified_file(graph.file, graph.sha256);
}

}  // namespace

FoundOnnxRuntime find_onnxruntime(const std::string& place) {
  const auto library = onnxruntime::Library::open(place);
  FoundOnnxRuntime found{library->path(), library->version(), {}};
  for (const std::string& provider : library->providers()) {
    found.devices.push_back(onnxruntime::device_name(provider));
  }
  return found;
}

OnnxRuntimeEngine::OnnxRuntimeEngine(const Bundle& bundle, const std::string& role,
                                     const OnnxRuntimeOptions& given) {
  OnnxRuntimeOptions options = given;
  const HashedFile graph = graph_of(bundle, role, options);
  run_ = std::make_unique<Run>(std::make_shared<const Session>(graph, options));
}

OnnxRuntimeEngine::OnnxRuntimeEngine(const HashedFile& graph, const OnnxRuntimeOptions& options)
    : run_(std::make_unique<Run>(std::make_shared<const Session>(graph, options))) {}

OnnxRuntimeEngine::OnnxRuntimeEngine(std::unique_ptr<Run> run) : run_(std::move(run)) {}

OnnxRuntimeEngine::~OnnxRuntimeEngine() = default;

std::string OnnxRuntimeEngine::name() const { return "onnxruntime"; }
const std::vector<TensorSpec>& OnnxRuntimeEngine::inputs() const { return run_->session().inputs; }
const std::vector<TensorSpec>& OnnxRuntimeEngine::outputs() const {
  return run_->session().outputs;
}

Tensor OnnxRuntimeEngine::input(std::size_t index, const Shape& shape) {
  return run_->input(index, shape);
}
void OnnxRuntimeEngine::bind(std::size_t index, const Tensor& tensor) { run_->bind(index, tensor); }
void OnnxRuntimeEngine::run() { run_->run(); }
Tensor OnnxRuntimeEngine::output(std::size_t index) { return run_->output(index); }
Tensor OnnxRuntimeEngine::output_in_place(std::size_t index) {
  return run_->output_in_place(index);
}

std::shared_ptr<Engine> OnnxRuntimeEngine::new_context() {
  std::unique_ptr<Run> another = run_->another();
  if (!another) return nullptr;
  return std::shared_ptr<Engine>(new OnnxRuntimeEngine(std::move(another)));
}

}  // namespace edgecv
