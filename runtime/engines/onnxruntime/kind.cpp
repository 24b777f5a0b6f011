// What load() knows of this engine.
#include <algorithm>
#include <utility>

#include "edgecv/error.hpp"
#include "onnxruntime/library.hpp"
#include "onnxruntime/nvidia_driver.hpp"

namespace edgecv {
namespace {

constexpr const char* kSessionPrefixes[] = {"session.", "ep.", "optimization.", "mlas."};

OnnxRuntimeOptions options_of(const EngineOptions& given) {
  OnnxRuntimeOptions options;
  const std::map<std::string, std::string*> own = {{"library", &options.library},
                                                   {"provider_library", &options.provider_library},
                                                   {"cache_dir", &options.cache_dir}};
  for (const auto& [key, value] : given) {
    if (const auto known = own.find(key); known != own.end()) {
      *known->second = value;
    } else if (std::any_of(
                   std::begin(kSessionPrefixes), std::end(kSessionPrefixes),
                   [&, &name = key](const char* prefix) { return name.rfind(prefix, 0) == 0; })) {
      options.session_config[key] = value;
    } else {
      options.provider_options[key] = value;
    }
  }
  return options;
}

std::string why_no_library(const std::string& place) {
  try {
    onnxruntime::Library::open(place);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string why_not_cuda(const std::string& place) {
  if (std::string why = why_no_library(place); !why.empty()) return why;
  const std::vector<std::string> providers = onnxruntime::Library::open(place)->providers();
  if (std::find(providers.begin(), providers.end(), "CUDAExecutionProvider") == providers.end()) {
    return "this onnxruntime is built without CUDA";
  }
  return onnxruntime::gpu_count() > 0 ? "" : "the NVIDIA driver offers no GPU";
}

std::vector<EngineOffer> offers(const EngineOptions& given) {
  const OnnxRuntimeOptions options = options_of(given);
  std::vector<EngineOffer> all;
  if (options.provider_library.empty()) {
    EngineOffer cuda;
    cuda.engine = "onnxruntime";
    cuda.device = "cuda";
    cuda.devices = {"cuda"};
    cuda.why_not = [place = options.library] { return why_not_cuda(place); };
    all.push_back(std::move(cuda));
  }
  EngineOffer any;
  any.engine = "onnxruntime";
  any.why_not = [place = options.library] { return why_no_library(place); };
  all.push_back(std::move(any));
  return all;
}

Engines open(const EngineSetup& setup) {
  OnnxRuntimeOptions options = options_of(setup.options);
  if (!setup.device.empty()) options.device = setup.device;
  options.precision = setup.precision;
  options.threads = setup.threads;
  Engines engines;
  for (const auto& [role, file] : setup.files) {
    engines[role] = std::make_shared<OnnxRuntimeEngine>(file, options);
  }
  return engines;
}

}  // namespace

EngineKind onnxruntime_kind() {
  EngineKind kind;
  kind.name = "onnxruntime";
  kind.offers = offers;
  kind.open = open;
  return kind;
}

}  // namespace edgecv
