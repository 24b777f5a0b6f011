// Opens an engine in a way of its own, runs the graph on ones and prints its first output.
//
// open_engine WAY GRAPH SHAPE [KEY=VALUE...]; the last are options of the engine, "device" its
// device
#include <dlfcn.h>
#include <onnxruntime_c_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <openvino/openvino.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "edgecv/engine/engine_library.hpp"

namespace {

edgecv::EngineSetup setup_of(int count, char** arguments) {
  edgecv::EngineSetup setup;
  setup.files.emplace("main", edgecv::HashedFile(arguments[2]));
  setup.precision = "fp32";
  setup.threads = 1;
  for (int i = 4; i < count; ++i) {
    const std::string text = arguments[i];
    const std::string key = text.substr(0, text.find('='));
    const std::string value = text.substr(text.find('=') + 1);
    if (key == "device") {
      setup.device = value;
    } else {
      setup.options[key] = value;
    }
  }
  return setup;
}

std::shared_ptr<edgecv::Engine> through_registry(const std::string& name,
                                                 const edgecv::EngineSetup& setup) {
  for (const edgecv::EngineKind& kind : edgecv::registered_engines()) {
    if (kind.name == name) return kind.open(setup).at("main");
  }
  throw edgecv::Error(edgecv::ErrorCode::invalid_input, "no engine " + name);
}

edgecv::HashedFile in_memory(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const auto bytes = std::make_shared<const std::string>(std::istreambuf_iterator<char>(stream),
                                                         std::istreambuf_iterator<char>());
  return edgecv::HashedFile::in_memory("a graph in memory", {bytes->data(), bytes->size(), bytes});
}

/// As an application that links ONNX Runtime itself has it.
const OrtApiBase* own_api_base() {
  void* library = dlopen(std::getenv("OWN_ONNXRUNTIME"), RTLD_NOW | RTLD_LOCAL);
  using Get = const OrtApiBase* (*)();
  return reinterpret_cast<Get>(dlsym(library, "OrtGetApiBase"))();
}

std::shared_ptr<edgecv::Engine> open(const std::string& way, const edgecv::EngineSetup& setup) {
  const edgecv::HashedFile& file = setup.files.at("main");
  edgecv::OnnxRuntimeOptions options;
  options.threads = 1;
  if (way == "onnxruntime" || way == "openvino") return through_registry(way, setup);
  if (way == "onnxruntime in place") return through_registry("onnxruntime", setup);
  if (way == "times from a library") {
    for (int repeat = 0; repeat < 2; ++repeat) {
      edgecv::load_engine_library(std::getenv("ENGINE_LIBRARY"));
    }
    return through_registry("times", setup);
  }
  if (way == "onnxruntime from memory") {
    return std::make_shared<edgecv::OnnxRuntimeEngine>(in_memory(file.name()), options);
  }
  if (way == "openvino from memory") {
    return std::make_shared<edgecv::OpenVinoEngine>(in_memory(file.name()));
  }
  if (way == "onnxruntime with a hook") {
    options.configure = [](const OrtApi& api, OrtSessionOptions* session) {
      int entries = 0;
      if (OrtStatus* status =
              api.HasSessionConfigEntry(session, "session.force_spinning_stop", &entries)) {
        api.ReleaseStatus(status);
      }
      std::printf("hook %d\n", entries);
    };
    return std::make_shared<edgecv::OnnxRuntimeEngine>(file, options);
  }
  if (way == "onnxruntime with a hook that throws") {
    options.configure = [](const OrtApi&, OrtSessionOptions*) {
      throw edgecv::Error(edgecv::ErrorCode::invalid_input, "the hook's own words");
    };
    return std::make_shared<edgecv::OnnxRuntimeEngine>(file, options);
  }
  if (way == "openvino with a hook") {
    edgecv::OpenVinoOptions chosen;
    chosen.threads = 1;
    chosen.configure = [](std::map<std::string, ov::Any>& properties) {
      std::printf("hook %s\n", properties.at("INFERENCE_NUM_THREADS").as<std::string>().c_str());
    };
    return std::make_shared<edgecv::OpenVinoEngine>(file, chosen);
  }
  if (way == "onnxruntime in an environment without its library") {
    options.env = reinterpret_cast<OrtEnv*>(1);
    return std::make_shared<edgecv::OnnxRuntimeEngine>(file, options);
  }
  if (way == "onnxruntime of the application") {
    options.api_base = own_api_base();
    const OrtApi* api = options.api_base->GetApi(18);
    if (api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "the application's", &options.env)) std::abort();
    return {new edgecv::OnnxRuntimeEngine(file, options),
            [api, env = options.env](edgecv::Engine* engine) {
              delete engine;
              api->ReleaseEnv(env);
            }};
  }
  throw edgecv::Error(edgecv::ErrorCode::invalid_input, "no way " + way);
}

}  // namespace

int main(int count, char** arguments) {
  edgecv::Shape shape;
  std::istringstream text(arguments[3]);
  for (std::string axis; std::getline(text, axis, 'x');) shape.push_back(std::stoll(axis));
  try {
    const auto engine = open(arguments[1], setup_of(count, arguments));
    const edgecv::Tensor input = engine->input(0, shape);
    std::fill_n(input.as<float>(), edgecv::element_count(shape), 1.f);
    engine->run();
    if (std::string(arguments[1]) == "onnxruntime in place") {
      for (int repeat = 0; repeat < 2; ++repeat) {
        const edgecv::Tensor there = engine->output_in_place(0);
        std::printf("%s ", there.device == edgecv::Device::cuda ? "GPU" : "host");
        engine->run();
      }
    }
    const edgecv::Tensor output = engine->output(0);
    std::printf("%s", engine->outputs()[0].name.c_str());
    for (std::int64_t i = 0; i < edgecv::element_count(output.shape); ++i) {
      std::printf(" %.9g", static_cast<double>(output.as<float>()[i]));
    }
    std::printf("\n");
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
