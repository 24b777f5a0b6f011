// Providers that are libraries of their own, registered with ONNX Runtime by path.
#include <algorithm>
#include <set>
#include <utility>

#include "onnxruntime/providers.hpp"

namespace edgecv::onnxruntime {

#if ORT_API_VERSION >= 22
namespace {

using Devices = std::vector<const OrtEpDevice*>;

Devices devices_of(const Library& library, const OrtEnv* env) {
  const OrtEpDevice* const* devices = nullptr;
  std::size_t count = 0;
  library.check(library.api().GetEpDevices(env, &devices, &count));
  return {devices, devices + count};
}

/// Devices that the plug-in brought into an environment. It stays registered: sessions of others
/// may use it.
Devices registered(const Library& library, OrtEnv* env, const std::string& path) {
  struct Known {
    OrtEnv* env;
    std::string path;
    Devices devices;
  };
  static std::mutex* const mutex = new std::mutex;
  static auto* const all = new std::vector<Known>;
  const std::lock_guard<std::mutex> lock(*mutex);
  for (const Known& known : *all) {
    if (known.env == env && known.path == path) return known.devices;
  }
  const Devices before = devices_of(library, env);
  const std::string name = "edgecv_provider_" + std::to_string(all->size());
  library.check(
      library.api().RegisterExecutionProviderLibrary(env, name.c_str(), to_ort_path(path).c_str()),
      "onnxruntime cannot load the provider " + path);
  Devices brought;
  for (const OrtEpDevice* device : devices_of(library, env)) {
    if (std::find(before.begin(), before.end(), device) == before.end()) brought.push_back(device);
  }
  all->push_back({env, path, brought});
  return brought;
}

std::string hardware_of(const OrtApi& api, const OrtEpDevice* device) {
  switch (api.HardwareDevice_Type(api.EpDevice_Device(device))) {
    case OrtHardwareDeviceType_CPU:
      return "cpu";
    case OrtHardwareDeviceType_GPU:
      return "gpu";
    case OrtHardwareDeviceType_NPU:
      return "npu";
  }
  return "other";
}

/// "gpu", or "gpu:1" for the second of them.
const OrtEpDevice* chosen(const OrtApi& api, const Devices& devices, const std::string& wanted,
                          const std::string& path) {
  std::string here;
  std::map<std::string, int> counts;
  for (const OrtEpDevice* device : devices) {
    const std::string hardware = hardware_of(api, device);
    const std::string numbered = hardware + ":" + std::to_string(counts[hardware]++);
    if (wanted == numbered || (wanted == hardware && counts[hardware] == 1)) return device;
    here += (here.empty() ? "" : ", ") + numbered;
  }
  throw Error(ErrorCode::engine, "the provider " + path + " has no device \"" + wanted +
                                     "\" here, " +
                                     (here.empty() ? "and no other" : "only " + here));
}

}  // namespace
#endif

Provider append_plugin(const Library& library, [[maybe_unused]] OrtEnv* env,
                       [[maybe_unused]] OrtSessionOptions* session,
                       const OnnxRuntimeOptions& options) {
#if ORT_API_VERSION >= 22
  if (library.api_version() < 22) {
    throw Error(ErrorCode::engine, "provider_library needs ONNX Runtime 1.22 or later, " +
                                       library.path() + " is " + library.version());
  }
  const OrtApi& api = library.api();
  const Devices devices = registered(library, env, options.provider_library);
  const OrtEpDevice* device = chosen(api, devices, options.device, options.provider_library);
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : options.provider_options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  library.check(api.SessionOptionsAppendExecutionProvider_V2(session, env, &device, 1, keys.data(),
                                                             values.data(), keys.size()));
  Provider provider;
  provider.name = api.EpDevice_EpName(device);
  return provider;
#else
  throw Error(ErrorCode::engine, "provider_library " + options.provider_library +
                                     ": edgecv was built with the headers of ONNX Runtime 1." +
                                     std::to_string(ORT_API_VERSION) + " and needs those of 1.22");
  static_cast<void>(library);
#endif
}

}  // namespace edgecv::onnxruntime
