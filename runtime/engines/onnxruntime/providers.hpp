// ONNX Runtime's execution providers: what a device's name means, and their options.
#pragma once

#include <string>
#include <vector>

#include "onnxruntime/library.hpp"

namespace edgecv::onnxruntime {

enum class Placement {
  host,  // the session takes and gives host memory
  cuda,  // outputs can stay on an NVIDIA GPU
};

/// What a session runs on.
struct Provider {
  std::string name;  // "CPUExecutionProvider"
  int index = 0;     // of the device
  bool indexed = false;
  Placement placement = Placement::host;
};

/// The name that OnnxRuntimeOptions::device has for a provider.
std::string device_name(const std::string& provider);

/// Of a device such as "cuda:1". Throws Error (engine) if the library was built without it.
Provider provider_of(const Library& library, const std::string& device);

/// Adds the provider, and those that take what it lacks (the CPU always does). Throws Error
/// (engine).
void append_provider(const Library& library, OrtSessionOptions* session, const Provider& provider,
                     const OnnxRuntimeOptions& options);

/// Adds the provider of `options.provider_library` on the hardware that `options.device` names.
Provider append_plugin(const Library& library, OrtEnv* env, OrtSessionOptions* session,
                       const OnnxRuntimeOptions& options);

}  // namespace edgecv::onnxruntime
