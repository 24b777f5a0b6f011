#include "onnxruntime/nvidia_driver.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "edgecv/error.hpp"

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace edgecv::onnxruntime {
namespace {

#ifdef _WIN32
void* driver_function(const char* name) {
  static const HMODULE library = LoadLibraryW(L"nvcuda.dll");
  return library ? reinterpret_cast<void*>(GetProcAddress(library, name)) : nullptr;
}
#else
void* driver_function(const char* name) {
  static void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  return library ? dlsym(library, name) : nullptr;
}
#endif

/// A function of the driver's: each returns 0, or the number of an error.
template <typename... Arguments>
void call(const char* name, Arguments... arguments) {
  using Function = int (*)(Arguments...);
  const auto function = reinterpret_cast<Function>(driver_function(name));
  if (!function) {
    throw Error(ErrorCode::engine,
                std::string("the NVIDIA driver has no ") + name + ": update the driver");
  }
  if (const int error = function(arguments...); error != 0) {
    throw Error(ErrorCode::engine,
                std::string("CUDA failed: ") + name + " gave error " + std::to_string(error));
  }
}

/// The context that ONNX Runtime uses too: there is one for each GPU in a process.
void* primary_context(int device) {
  static std::mutex mutex;
  static auto* const all = new std::map<int, void*>;
  const std::lock_guard<std::mutex> lock(mutex);
  void*& context = (*all)[device];
  if (!context) {
    int handle = 0;
    call("cuInit", 0u);
    call("cuDeviceGet", &handle, device);
    call("cuDevicePrimaryCtxRetain", &context, handle);
  }
  return context;
}

/// Makes the GPU's context that of this thread, for as long as it lives.
class Current {
 public:
  explicit Current(int device) { call("cuCtxPushCurrent_v2", primary_context(device)); }
  ~Current() {
    void* before = nullptr;
    const auto pop = reinterpret_cast<int (*)(void**)>(driver_function("cuCtxPopCurrent_v2"));
    if (pop) pop(&before);
  }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
};

}  // namespace

int gpu_count() {
  int count = 0;
  try {
    call("cuInit", 0u);
    call("cuDeviceGetCount", &count);
  } catch (const Error&) {
    return 0;
  }
  return count;
}

void copy_from_gpu(void* target, const void* source, std::size_t bytes, int device) {
  if (bytes == 0) return;
  const Current current(device);
  const auto address = static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(source));
  call("cuMemcpyDtoH_v2", target, address, bytes);
}

void wait_for_stream(void* stream, int device) {
  const Current current(device);
  call("cuStreamSynchronize", stream);
}

}  // namespace edgecv::onnxruntime
