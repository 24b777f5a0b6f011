// ONNX Runtime (REAL_ONNXRUNTIME) with a CUDA provider whose memory is the host's. Says in the file
// PLACEMENTS where each output is bound.
#include <dlfcn.h>
#include <onnxruntime_c_api.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

namespace {

const OrtApi* real;
std::map<const OrtMemoryInfo*, std::string> places;

OrtStatus* ORT_API_CALL available(char*** names, int* count) NO_EXCEPTION {
  static char cuda[] = "CUDAExecutionProvider", cpu[] = "CPUExecutionProvider";
  static char* both[] = {cuda, cpu};
  *names = both;
  *count = 2;
  return nullptr;
}
OrtStatus* ORT_API_CALL release_available(char**, int) NO_EXCEPTION { return nullptr; }

OrtStatus* ORT_API_CALL create_options(OrtCUDAProviderOptionsV2** made) NO_EXCEPTION {
  *made = reinterpret_cast<OrtCUDAProviderOptionsV2*>(new std::string);
  return nullptr;
}
OrtStatus* ORT_API_CALL update_options(OrtCUDAProviderOptionsV2* made, const char* const* keys,
                                       const char* const* values, std::size_t count) NO_EXCEPTION {
  auto& text = *reinterpret_cast<std::string*>(made);
  for (std::size_t i = 0; i < count; ++i) text += std::string(keys[i]) + "=" + values[i] + " ";
  return nullptr;
}
void ORT_API_CALL release_options(OrtCUDAProviderOptionsV2* made) NO_EXCEPTION {
  delete reinterpret_cast<std::string*>(made);
}
OrtStatus* ORT_API_CALL append(OrtSessionOptions*,
                               const OrtCUDAProviderOptionsV2* made) NO_EXCEPTION {
  std::ofstream(std::getenv("PLACEMENTS"), std::ios::app)
      << "options " << *reinterpret_cast<const std::string*>(made) << "\n";
  return nullptr;
}

OrtStatus* ORT_API_CALL create_memory_info(const char* name, OrtAllocatorType type, int id,
                                           OrtMemType memory, OrtMemoryInfo** made) NO_EXCEPTION {
  const bool cuda = std::strncmp(name, "Cuda", 4) == 0;
  OrtStatus* status = cuda ? real->CreateMemoryInfo("Cpu", type, 0, OrtMemTypeDefault, made)
                           : real->CreateMemoryInfo(name, type, id, memory, made);
  if (!status) places[*made] = name;
  return status;
}
OrtStatus* ORT_API_CALL bind_output(OrtIoBinding* binding, const char* name,
                                    const OrtMemoryInfo* place) NO_EXCEPTION {
  std::ofstream(std::getenv("PLACEMENTS"), std::ios::app) << name << " " << places[place] << "\n";
  return real->BindOutputToDevice(binding, name, place);
}

const OrtApiBase* real_base() {
  void* library = dlopen(std::getenv("REAL_ONNXRUNTIME"), RTLD_NOW | RTLD_LOCAL);
  using Get = const OrtApiBase* (*)();
  return reinterpret_cast<Get>(dlsym(library, "OrtGetApiBase"))();
}

const OrtApi* ORT_API_CALL get_api(std::uint32_t version) NO_EXCEPTION {
  real = real_base()->GetApi(version);
  static OrtApi api;
  std::memcpy(static_cast<void*>(&api), real, sizeof(api));
  api.GetAvailableProviders = available;
  api.ReleaseAvailableProviders = release_available;
  api.CreateCUDAProviderOptions = create_options;
  api.UpdateCUDAProviderOptions = update_options;
  api.ReleaseCUDAProviderOptions = release_options;
  api.SessionOptionsAppendExecutionProvider_CUDA_V2 = append;
  api.CreateMemoryInfo = create_memory_info;
  api.BindOutputToDevice = bind_output;
  return &api;
}

const char* ORT_API_CALL version_string() NO_EXCEPTION { return real_base()->GetVersionString(); }

}  // namespace

extern "C" const OrtApiBase* ORT_API_CALL OrtGetApiBase() NO_EXCEPTION {
  static const OrtApiBase base = {get_api, version_string};
  return &base;
}
