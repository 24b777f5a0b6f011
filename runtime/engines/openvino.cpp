#include "edgecv/engine/openvino.hpp"

#include <algorithm>
#include <cctype>
#include <exception>
#include <map>
#include <openvino/openvino.hpp>
#include <utility>

#ifndef _WIN32
#include <unistd.h>
#endif

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

const std::vector<std::pair<DType, ov::element::Type>> kTypes = {
    {DType::float32, ov::element::f32}, {DType::float16, ov::element::f16},
    {DType::uint8, ov::element::u8},    {DType::int32, ov::element::i32},
    {DType::int64, ov::element::i64},
};

ov::element::Type to_openvino(DType dtype) {
  return std::find_if(kTypes.begin(), kTypes.end(), [&](auto& one) { return one.first == dtype; })
      ->second;
}

DType from_openvino(ov::element::Type type, const std::string& name) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](auto& one) { return one.second == type; });
  if (found == kTypes.end()) {
    throw Error(ErrorCode::engine, "\"" + name + "\" is a " + type.get_type_name() +
                                       ": expected f32, f16, u8, i32 or i64");
  }
  return found->first;
}

/// The last line of OpenVINO's messages says what is wrong; those before it say where.
std::string cause(const std::exception& error) {
  std::string text = error.what();
  text.erase(text.find_last_not_of(" \r\n") + 1);
  return text.substr(text.find_last_of('\n') + 1);
}

/// Compiled, a port has the names of nodes merged into it, too; as declared, only its own.
std::vector<TensorSpec> specs(const std::vector<ov::Output<const ov::Node>>& ports,
                              const std::vector<ov::Output<ov::Node>>& declared) {
  std::vector<TensorSpec> found;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string name = declared[i].get_any_name();
    Shape shape;
    for (const ov::Dimension& axis : ports[i].get_partial_shape()) {
      shape.push_back(axis.is_dynamic() ? -1 : axis.get_length());
    }
    found.push_back({name, from_openvino(ports[i].get_element_type(), name), shape});
  }
  return found;
}

Tensor view(ov::Tensor tensor, DType dtype) {
  const ov::Shape& shape = tensor.get_shape();
  Tensor result;
  result.data = tensor.data();
  result.shape.assign(shape.begin(), shape.end());
  result.dtype = dtype;
  return result;
}

/// One for all engines: each has its own plug-ins, threads and caches. Never destroyed, as engines
/// may outlive static objects.
ov::Core& process_core() {
  static ov::Core* const core = new ov::Core;
#ifndef _WIN32
  static const pid_t made_in = ::getpid();
  if (::getpid() != made_in) {
    throw Error(
        ErrorCode::engine,
        "openvino was in use before this process forked, and its threads stayed behind: use "
        "it in the child process only");
  }
#endif
  return *core;
}

/// What layers that are not quantised compute in. Left alone, OpenVINO takes bf16 wherever a
/// processor has it, and results drift from what was asked for.
ov::element::Type computed_in(ov::Core& core, const OpenVinoOptions& options) {
  const auto able = core.get_property(options.device, ov::device::capabilities);
  const auto has = [&](const char* name) {
    return std::find(able.begin(), able.end(), name) != able.end();
  };
  if (options.precision == "fp32" || options.precision == "int8") return ov::element::f32;
  if (options.precision == "fp16") return has("FP16") ? ov::element::f16 : ov::element::f32;
  if (options.precision != "bf16") {
    throw Error(ErrorCode::engine, "openvino has no precision \"" + options.precision +
                                       "\": expected fp32, fp16, bf16 or int8");
  }
  if (!has("BF16")) {
    throw Error(ErrorCode::engine,
                "this " + options.device + " cannot compute in bf16: take precision fp32");
  }
  return ov::element::bf16;
}

/// A device as load() names it, as OpenVINO does: "gpu.1" is GPU.1.
std::string device_named(const std::string& device) {
  std::string name = device;
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const std::vector<std::string> available = process_core().get_available_devices();
  const auto has = [&](const std::string& wanted) {
    return std::find(available.begin(), available.end(), wanted) != available.end();
  };
  // A machine with one GPU lists it without a number.
  if (has(name) || has(name + ".0")) return name;
  std::string here;
  for (const std::string& each : available) here += (here.empty() ? "" : ", ") + each;
  for (char& c : here) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  throw Error(ErrorCode::engine, "openvino has no device \"" + device + "\" here, only " + here);
}

ov::CompiledModel compile(ov::Core& core, const std::shared_ptr<ov::Model>& model,
                          const OpenVinoOptions& options) {
  ov::AnyMap config = {ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
                       ov::hint::inference_precision(computed_in(core, options))};
  if (options.threads > 0 && options.device == "CPU") {
    config.insert(ov::inference_num_threads(options.threads));
  }
  if (!options.cache_dir.empty()) config[ov::cache_dir.name()] = options.cache_dir;
  for (const auto& [name, value] : options.properties) config[name] = value;
  if (options.configure) options.configure(config);
  return core.compile_model(model, options.device, config);
}

template <typename Call>
void guarded(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    throw Error(ErrorCode::engine, "openvino failed: " + cause(error));
  }
}

}  // namespace

struct OpenVinoEngine::Request {
  Request(const std::shared_ptr<ov::Model>& model, const OpenVinoOptions& options) {
    compiled = compile(process_core(), model, options);
    inputs = specs(compiled.inputs(), model->inputs());
    outputs = specs(compiled.outputs(), model->outputs());
    request = compiled.create_infer_request();
  }
  /// Another request of the same compiled network.
  explicit Request(const Request& other)
      : inputs(other.inputs),
        outputs(other.outputs),
        compiled(other.compiled),
        request(compiled.create_infer_request()) {}

  std::vector<TensorSpec> inputs, outputs;
  ov::CompiledModel compiled;
  ov::InferRequest request;
  std::map<std::size_t, ov::Tensor> buffers;  // of the engine's own
};

std::unique_ptr<OpenVinoEngine::Request> OpenVinoEngine::load(const HashedFile& graph,
                                                              const OpenVinoOptions& given) {
  OpenVinoOptions options = given;
  if (options.precision.empty()) options.precision = "fp32";
  try {
    std::shared_ptr<ov::Model> model;
    if (graph.path().empty()) {
      const Bytes bytes = graph.bytes();
      model = process_core().read_model(
          std::string(static_cast<const char*>(bytes.data), bytes.size), ov::Tensor());
    } else {
      model = process_core().read_model(graph.path());
      graph.require_unchanged();
    }
    return std::make_unique<Request>(model, options);
  } catch (const Error&) {
    throw;
  } catch (const ov::Exception& error) {
    throw Error(ErrorCode::engine, "openvino cannot load " + graph.name() + ": " + cause(error));
  }
}

OpenVinoEngine::OpenVinoEngine(const Bundle& bundle, const std::string& role,
                               const OpenVinoOptions& given) {
  OpenVinoOptions options = given;
  if (options.precision.empty()) options.precision = bundle.default_precision();
  // bf16 is a way to compute an fp32 graph.
  const std::string stored = options.precision == "bf16" ? "fp32" : options.precision;
  const GraphFile& graph = bundle.graph(role, stored, "onnx");
  request_ =
      std::move(OpenVinoEngine(bundle.verified_file(graph.file, graph.sha256), options).request_);
}

OpenVinoEngine::OpenVinoEngine(const HashedFile& graph, const OpenVinoOptions& options)
    : request_(load(graph, options)) {}

OpenVinoEngine::OpenVinoEngine(std::unique_ptr<Request> request) : request_(std::move(request)) {}

OpenVinoEngine::~OpenVinoEngine() = default;

std::shared_ptr<Engine> OpenVinoEngine::new_context() {
  std::unique_ptr<Request> request;
  guarded([&] { request = std::make_unique<Request>(*request_); });
  return std::shared_ptr<Engine>(new OpenVinoEngine(std::move(request)));
}

std::string OpenVinoEngine::name() const { return "openvino"; }
const std::vector<TensorSpec>& OpenVinoEngine::inputs() const { return request_->inputs; }
const std::vector<TensorSpec>& OpenVinoEngine::outputs() const { return request_->outputs; }

Tensor OpenVinoEngine::input(std::size_t index, const Shape& shape) {
  const DType dtype = request_->inputs.at(index).dtype;
  const ov::Shape wanted(shape.begin(), shape.end());
  ov::Tensor& buffer = request_->buffers[index];
  guarded([&] {
    if (!buffer || buffer.get_shape() != wanted) buffer = ov::Tensor(to_openvino(dtype), wanted);
    request_->request.set_input_tensor(index, buffer);
  });
  return view(buffer, dtype);
}

void OpenVinoEngine::bind(std::size_t index, const Tensor& tensor) {
  const TensorSpec& spec = request_->inputs.at(index);
  if (tensor.dtype != spec.dtype) {
    throw Error(ErrorCode::engine, "input \"" + spec.name + "\": expected " +
                                       to_string(spec.dtype) + ", got " + to_string(tensor.dtype));
  }
  if (tensor.device != Device::cpu) {
    throw Error(ErrorCode::engine,
                "openvino reads host memory only, and \"" + spec.name + "\" lies on a GPU");
  }
  const ov::Shape shape(tensor.shape.begin(), tensor.shape.end());
  guarded([&] {
    // An empty tensor may be null, which OpenVINO does not take.
    request_->request.set_input_tensor(
        index, tensor.data ? ov::Tensor(to_openvino(tensor.dtype), shape, tensor.data)
                           : ov::Tensor(to_openvino(tensor.dtype), shape));
  });
}

void OpenVinoEngine::run() {
  guarded([&] {
    // Of one thread, infer() keeps an operator's error to itself (2026.4), and the outputs are
    // those of the run before.
    request_->request.start_async();
    request_->request.wait();
  });
}

Tensor OpenVinoEngine::output(std::size_t index) {
  ov::Tensor tensor;
  guarded([&] { tensor = request_->request.get_output_tensor(index); });
  return view(tensor, request_->outputs.at(index).dtype);
}

EngineKind openvino_kind() {
  EngineKind kind;
  kind.name = "openvino";
  kind.offers = [](const EngineOptions&) {
    EngineOffer offer;
    offer.engine = "openvino";
    offer.computes = {{"bf16", "fp32"}};
    return std::vector<EngineOffer>{offer};
  };
  kind.open = [](const EngineSetup& setup) {
    OpenVinoOptions options;
    options.device = device_named(setup.device.empty() ? "cpu" : setup.device);
    options.precision = setup.precision;
    options.threads = setup.threads;
    for (const auto& [name, value] : setup.options) {
      if (name == "cache_dir") {
        options.cache_dir = value;
      } else {
        options.properties[name] = value;
      }
    }
    Engines engines;
    for (const auto& [role, file] : setup.files) {
      engines[role] = std::make_shared<OpenVinoEngine>(file, options);
    }
    return engines;
  };
  return kind;
}

}  // namespace edgecv
