#include "onnxruntime/providers.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace edgecv::onnxruntime {
namespace {

/// Names of devices, as in Python, and the providers behind them.
const std::vector<std::pair<std::string, std::string>> kProviders = {
    {"cpu", "CPUExecutionProvider"},           {"cuda", "CUDAExecutionProvider"},
    {"tensorrt", "TensorrtExecutionProvider"}, {"openvino", "OpenVINOExecutionProvider"},
    {"directml", "DmlExecutionProvider"},      {"coreml", "CoreMLExecutionProvider"},
    {"rocm", "ROCMExecutionProvider"},         {"xnnpack", "XnnpackExecutionProvider"},
};

const char* const kEnding = "ExecutionProvider";

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

using Options = std::map<std::string, std::string>;

/// As the C interface takes them.
struct Arrays {
  explicit Arrays(const Options& options) {
    for (const auto& [key, value] : options) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
  }
  std::vector<const char*> keys, values;
};

/// What is given replaces what edgecv would choose.
Options merged(Options chosen, const Options& given) {
  for (const auto& [key, value] : given) chosen[key] = value;
  return chosen;
}

void append_cuda(const Library& library, OrtSessionOptions* session, const Provider& provider,
                 const Options& given) {
  // Left alone, CUDA rounds the factors of float32 convolutions to 10 bits.
  const Options options =
      merged({{"use_tf32", "0"}, {"device_id", std::to_string(provider.index)}}, given);
  const OrtApi& api = library.api();
  const Arrays arrays(options);
  OrtCUDAProviderOptionsV2* made = nullptr;
  library.check(api.CreateCUDAProviderOptions(&made));
  const Handle<OrtCUDAProviderOptionsV2> cuda(made, api.ReleaseCUDAProviderOptions);
  library.check(api.UpdateCUDAProviderOptions(made, arrays.keys.data(), arrays.values.data(),
                                              arrays.keys.size()),
                "onnxruntime cannot use the device cuda");
  library.check(api.SessionOptionsAppendExecutionProvider_CUDA_V2(session, made));
}

void append_tensorrt(const Library& library, OrtSessionOptions* session, const Provider& provider,
                     const OnnxRuntimeOptions& given) {
  Options chosen = {{"device_id", std::to_string(provider.index)}};
  if (given.precision == "fp16") chosen["trt_fp16_enable"] = "1";
  if (given.precision == "int8") chosen["trt_int8_enable"] = "1";
  if (!given.cache_dir.empty()) {
    chosen["trt_engine_cache_enable"] = "1";
    chosen["trt_engine_cache_path"] = given.cache_dir;
  }
  const Options options = merged(std::move(chosen), given.provider_options);
  const OrtApi& api = library.api();
  const Arrays arrays(options);
  OrtTensorRTProviderOptionsV2* made = nullptr;
  library.check(api.CreateTensorRTProviderOptions(&made));
  const Handle<OrtTensorRTProviderOptionsV2> tensorrt(made, api.ReleaseTensorRTProviderOptions);
  library.check(api.UpdateTensorRTProviderOptions(made, arrays.keys.data(), arrays.values.data(),
                                                  arrays.keys.size()),
                "onnxruntime cannot use the device tensorrt");
  library.check(api.SessionOptionsAppendExecutionProvider_TensorRT_V2(session, made));
  append_cuda(library, session, provider, {});
}

/// The generic function knows providers by names of its own.
std::string short_name(const std::string& provider) {
  if (provider == "DmlExecutionProvider") return "DML";
  if (provider == "XnnpackExecutionProvider") return "XNNPACK";
  const std::size_t end = provider.rfind(kEnding);
  return end == std::string::npos ? provider : provider.substr(0, end);
}

}  // namespace

std::string device_name(const std::string& provider) {
  const auto found = std::find_if(kProviders.begin(), kProviders.end(),
                                  [&](auto& entry) { return entry.second == provider; });
  return found == kProviders.end() ? provider : found->first;
}

Provider provider_of(const Library& library, const std::string& device) {
  const std::size_t colon = device.find(':');
  const std::string name = device.substr(0, colon);
  Provider provider;
  if (colon != std::string::npos) {
    const std::string number = device.substr(colon + 1);
    if (number.empty() || number.size() > 4 ||
        number.find_first_not_of("0123456789") != std::string::npos) {
      throw Error(
          ErrorCode::engine,
          "device \"" + device + "\": expected a number behind the colon, as in \"cuda:1\"");
    }
    provider.index = std::stoi(number);
    provider.indexed = true;
  }
  const auto known = std::find_if(kProviders.begin(), kProviders.end(),
                                  [&](auto& entry) { return entry.first == lower(name); });
  provider.name = known == kProviders.end() ? name : known->second;
  const std::vector<std::string> built = library.providers();
  if (std::find(built.begin(), built.end(), provider.name) == built.end()) {
    std::string here;
    for (const std::string& one : built) here += (here.empty() ? "" : ", ") + device_name(one);
    throw Error(ErrorCode::engine, "this onnxruntime has no device \"" + name + "\", only " + here);
  }
  if (provider.name == "CUDAExecutionProvider" || provider.name == "TensorrtExecutionProvider") {
    provider.placement = Placement::cuda;
  }
  return provider;
}

void append_provider(const Library& library, OrtSessionOptions* session, const Provider& provider,
                     const OnnxRuntimeOptions& options) {
  const OrtApi& api = library.api();
  if (provider.name == "CPUExecutionProvider") {
    if (!options.provider_options.empty()) {
      throw Error(ErrorCode::invalid_input,
                  "provider_options: the device cpu has none, got \"" +
                      options.provider_options.begin()->first +
                      "\": entries of the session's configuration go into session_config");
    }
    return;
  }
  if (provider.name == "CUDAExecutionProvider") {
    return append_cuda(library, session, provider, options.provider_options);
  }
  if (provider.name == "TensorrtExecutionProvider") {
    return append_tensorrt(library, session, provider, options);
  }
  Options chosen;
  if (provider.indexed) chosen["device_id"] = std::to_string(provider.index);
  const Options all = merged(std::move(chosen), options.provider_options);
  const Arrays arrays(all);
  if (provider.name == "OpenVINOExecutionProvider") {
    library.check(api.SessionOptionsAppendExecutionProvider_OpenVINO_V2(
        session, arrays.keys.data(), arrays.values.data(), arrays.keys.size()));
    return;
  }
  library.check(api.SessionOptionsAppendExecutionProvider(
      session, short_name(provider.name).c_str(), arrays.keys.data(), arrays.values.data(),
      arrays.keys.size()));
}

}  // namespace edgecv::onnxruntime
