// The same graph by ONNX Runtime's C interface alone: bare_onnxruntime LIBRARY GRAPH THREADS
// 1x3x320x320
#include <dlfcn.h>
#include <onnxruntime_c_api.h>

#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "resident.hpp"

namespace {

const OrtApi* api;

void check(OrtStatus* status) {
  if (!status) return;
  std::fprintf(stderr, "%s\n", api->GetErrorMessage(status));
  std::exit(2);
}

}  // namespace

int main(int, char** arguments) {
  const auto start = std::chrono::steady_clock::now();
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  using Get = const OrtApiBase* (*)();
  api = reinterpret_cast<Get>(dlsym(library, "OrtGetApiBase"))()->GetApi(18);
  OrtEnv* env = nullptr;
  check(api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "bare", &env));
  check(api->DisableTelemetryEvents(env));
  OrtSessionOptions* options = nullptr;
  check(api->CreateSessionOptions(&options));
  check(api->SetIntraOpNumThreads(options, std::atoi(arguments[3])));
  OrtSession* session = nullptr;
  check(api->CreateSession(env, arguments[2], options, &session));

  std::vector<std::int64_t> shape;
  std::size_t count = 1;
  std::istringstream text(arguments[4]);
  for (std::string axis; std::getline(text, axis, 'x');) {
    shape.push_back(std::stoll(axis));
    count *= static_cast<std::size_t>(shape.back());
  }
  std::vector<float> input(count, 0.5f);
  OrtMemoryInfo* memory = nullptr;
  check(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
  OrtValue* value = nullptr;
  check(api->CreateTensorWithDataAsOrtValue(memory, input.data(), count * sizeof(float),
                                            shape.data(), shape.size(),
                                            ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
  OrtAllocator* allocator = nullptr;
  check(api->GetAllocatorWithDefaultOptions(&allocator));
  char* input_name = nullptr;
  check(api->SessionGetInputName(session, 0, allocator, &input_name));
  std::size_t outputs = 0;
  check(api->SessionGetOutputCount(session, &outputs));
  std::vector<char*> names(outputs);
  for (std::size_t i = 0; i < outputs; ++i) {
    check(api->SessionGetOutputName(session, i, allocator, &names[i]));
  }
  std::vector<OrtValue*> results(outputs);
  check(api->Run(session, nullptr, &input_name, &value, 1, names.data(), outputs, results.data()));
  print_cost(start);
}
