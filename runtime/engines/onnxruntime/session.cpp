#include "onnxruntime/session.hpp"

#include <algorithm>
#include <utility>

#include "onnxruntime/graph_cache.hpp"

namespace edgecv::onnxruntime {
namespace {

const std::vector<std::pair<DType, ONNXTensorElementDataType>> kTypes = {
    {DType::float32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    {DType::float16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {DType::uint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {DType::int32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {DType::int64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
};

[[noreturn]] void refuse_type(const std::string& port) {
  throw Error(ErrorCode::engine, "\"" + port +
                                     "\" is of another type: expected one of float32, float16, "
                                     "uint8, int32, int64");
}

TensorSpec spec_of(const Library& library, const OrtTypeInfo* type, std::string name) {
  const OrtApi& api = library.api();
  TensorSpec spec;
  spec.name = std::move(name);
  const OrtTensorTypeAndShapeInfo* tensor = nullptr;  // belongs to `type`
  library.check(api.CastTypeInfoToTensorInfo(type, &tensor));
  if (!tensor) refuse_type(spec.name);
  ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  library.check(api.GetTensorElementType(tensor, &element));
  const auto known = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](auto& entry) { return entry.second == element; });
  if (known == kTypes.end()) refuse_type(spec.name);
  spec.dtype = known->first;
  std::size_t axes = 0;
  library.check(api.GetDimensionsCount(tensor, &axes));
  spec.shape.resize(axes);
  library.check(api.GetDimensions(tensor, spec.shape.data(), axes));  // -1: any length
  return spec;
}

/// Inputs or outputs, by the functions of the C interface that are for them.
template <typename Count, typename Name, typename Type>
std::vector<TensorSpec> ports(const Session& session, Count count, Name name, Type type) {
  const Library& library = *session.library;
  const OrtApi& api = library.api();
  std::size_t number = 0;
  library.check(count(session.session.get(), &number));
  std::vector<TensorSpec> found;
  for (std::size_t i = 0; i < number; ++i) {
    char* text = nullptr;
    library.check(name(session.session.get(), i, session.allocator, &text));
    const std::string copied = text;
    library.check(api.AllocatorFree(session.allocator, text));
    OrtTypeInfo* info = nullptr;
    library.check(type(session.session.get(), i, &info));
    const Handle<OrtTypeInfo> held(info, api.ReleaseTypeInfo);
    found.push_back(spec_of(library, info, copied));
  }
  return found;
}

/// Options of the session but for its provider.
void set_options(const Library& library, OrtSessionOptions* session,
                 const OnnxRuntimeOptions& options) {
  const OrtApi& api = library.api();
  // Spinning threads of the session would slow whatever runs right after it.
  library.check(api.AddSessionConfigEntry(session, "session.force_spinning_stop", "1"));
  library.check(api.SetSessionLogSeverityLevel(session, ORT_LOGGING_LEVEL_FATAL));
  if (options.threads > 0) {
    library.check(api.SetIntraOpNumThreads(session, options.threads));
  }
  for (const auto& [key, value] : options.session_config) {
    library.check(api.AddSessionConfigEntry(session, key.c_str(), value.c_str()),
                  "session_config \"" + key + "\"");
  }
}

std::shared_ptr<const Library> library_for(const OnnxRuntimeOptions& options) {
  if (options.api_base) return Library::of(*options.api_base);
  if (options.env) {
    throw Error(ErrorCode::invalid_input,
                "env: an environment belongs to the library that made it: give api_base too, "
                "OrtGetApiBase() of that library");
  }
  return Library::open(options.library);
}

OrtSession* read(const Library& library, OrtEnv* env, const OrtSessionOptions* options,
                 const std::string& path, const std::string& what) {
  OrtSession* made = nullptr;
  library.check(library.api().CreateSession(env, to_ort_path(path).c_str(), options, &made), what);
  return made;
}

OrtSession* read(const Library& library, OrtEnv* env, const OrtSessionOptions* options,
                 const HashedFile& graph, const std::string& what) {
  if (!graph.path().empty()) {
    OrtSession* made = read(library, env, options, graph.path(), what);
    try {
      graph.require_unchanged();
    } catch (...) {
      library.api().ReleaseSession(made);
      throw;
    }
    return made;
  }
  const Bytes bytes = graph.bytes();
  OrtSession* made = nullptr;
  library.check(library.api().CreateSessionFromArray(env, bytes.data, bytes.size, options, &made),
                what);
  return made;
}

}  // namespace

ONNXTensorElementDataType to_onnx(DType dtype) {
  return std::find_if(kTypes.begin(), kTypes.end(),
                      [&](auto& entry) { return entry.first == dtype; })
      ->second;
}

Session::Session(const HashedFile& graph, const OnnxRuntimeOptions& options)
    : library(library_for(options)), session(nullptr, library->api().ReleaseSession) {
  const OrtApi& api = library->api();
  OrtEnv* env = options.env ? options.env : library->env();
  OrtSessionOptions* made = nullptr;
  library->check(api.CreateSessionOptions(&made));
  const Handle<OrtSessionOptions> held(made, api.ReleaseSessionOptions);
  set_options(*library, made, options);
  if (options.provider_library.empty()) {
    provider = provider_of(*library, options.device);
    append_provider(*library, made, provider, options);
  } else {
    provider = append_plugin(*library, env, made, options);
  }
  if (options.configure) options.configure(api, made);

  GraphCache cache(*library, provider, graph, options);
  const std::string what = "onnxruntime cannot load " + graph.name();
  if (const auto kept = cache.kept()) {
    library->check(api.SetSessionGraphOptimizationLevel(made, ORT_DISABLE_ALL));
    session.reset(read(*library, env, made, *kept, what + ", which was kept as " + *kept));
  } else {
    if (cache.use()) {
      library->check(api.SetOptimizedModelFilePath(made, to_ort_path(cache.new_file()).c_str()));
    }
    session.reset(read(*library, env, made, graph, what));
    cache.keep();
  }
  library->check(api.GetAllocatorWithDefaultOptions(&allocator));
  inputs =
      ports(*this, api.SessionGetInputCount, api.SessionGetInputName, api.SessionGetInputTypeInfo);
  outputs = ports(*this, api.SessionGetOutputCount, api.SessionGetOutputName,
                  api.SessionGetOutputTypeInfo);
}

}  // namespace edgecv::onnxruntime
