// ONNX Runtime as an engine: on any processor, on GPUs through its providers. Link
// edgecv::onnxruntime; where this header is included, which edgecv.hpp does then, load() finds it.
// ONNX Runtime itself is opened at run time, so that any version from 1.18 on does: that of pip, of
// Debian, of Microsoft's archive, or the application's own.
//
//   edgecv::OnnxRuntimeOptions options;
//   options.library = "/opt/onnxruntime";  // a file or a folder; empty: see find_onnxruntime()
//   options.threads = 4;
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");
//   auto engine = std::make_shared<edgecv::OnnxRuntimeEngine>(bundle, "main", options);
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/bundle/hashed_file.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/registry.hpp"
#include "edgecv/export.hpp"

// Those of onnxruntime_c_api.h, which an application needs only for the hook.
struct OrtApi;
struct OrtApiBase;
struct OrtEnv;
struct OrtSessionOptions;

namespace edgecv {

struct OnnxRuntimeOptions {
  /// "cpu", "cuda", "cuda:1", "tensorrt", "openvino", "directml", "coreml", "xnnpack", or the full
  /// name of an execution provider. With `provider_library`: "cpu", "gpu" or "npu", also with a
  /// number. It is used or an error raised; only operators that it lacks run on the CPU.
  std::string device = "cpu";
  /// fp32, fp16 or int8: which graphs of the bundle are taken. Empty: its default_precision().
  std::string precision;
  int threads = 0;  // of one run of the network; 0: ONNX Runtime chooses

  /// The shared library, or a folder that has it: see find_onnxruntime().
  std::string library;
  /// The shared library of a provider that is not part of ONNX Runtime (1.22 and later).
  std::string provider_library;
  /// Of the device's provider, in ONNX Runtime's words: {"gpu_mem_limit", "2147483648"}.
  std::map<std::string, std::string> provider_options;
  /// Entries of the session's configuration: {"session.intra_op_thread_affinities", "1;2"}.
  std::map<std::string, std::string> session_config;
  /// A folder that this program alone writes into: optimized graphs are kept there (devices cpu and
  /// cuda), or the engines of the TensorRT provider. A graph kept there starts sooner. Empty: none.
  std::string cache_dir;

  /// Called last, before the session is made. `Ort::UnownedSessionOptions{options}` is the same in
  /// ONNX Runtime's C++ interface. What it throws reaches the caller.
  std::function<void(const OrtApi& api, OrtSessionOptions* options)> configure;
  /// Where the application links ONNX Runtime itself: OrtGetApiBase(). Nothing is opened then.
  const OrtApiBase* api_base = nullptr;
  /// The application's own environment, which must outlive the engine. Needs `api_base`. Null: one
  /// of the library's, silent and without telemetry.
  OrtEnv* env = nullptr;
};

/// What is opened: `library` if it is given (a file, or a folder in which it is looked for, also
/// under lib/, runtimes/*/native/ and onnxruntime/capi/, as in Microsoft's archive, NuGet and pip);
/// else what EDGECV_ONNXRUNTIME names, alike; else what lies beside the program or in ../lib; else
/// what the system's loader finds. Before it is opened ORT_DISABLE_TELEMETRY=1 is set in the
/// process's environment, unless it is set already.
struct FoundOnnxRuntime {
  std::string path;     // as it was opened
  std::string version;  // "1.32.0"
  /// As OnnxRuntimeOptions::device takes them.
  std::vector<std::string> devices;
};

/// Throws Error (engine) where there is none, or one that is too old.
EDGECV_ENGINE_API FoundOnnxRuntime find_onnxruntime(const std::string& library = "");

/// Runs with fixed memory for inputs and outputs as long as shapes stay. With the providers of
/// NVIDIA GPUs outputs that only other engines take (output_in_place()) stay on the GPU from the
/// second run on.
class EDGECV_ENGINE_API OnnxRuntimeEngine : public Engine {
 public:
  /// The bundle's graph for a role (dialect onnx), its sha256 checked. Throws Error: bad_bundle if
  /// there is none in that precision, engine if ONNX Runtime is not there, lacks the device or
  /// cannot load it.
  OnnxRuntimeEngine(const Bundle& bundle, const std::string& role,
                    const OnnxRuntimeOptions& options = {});
  /// A graph of any origin; HashedFile::in_memory() takes bytes, which are not needed any more
  /// afterwards.
  explicit OnnxRuntimeEngine(const HashedFile& graph, const OnnxRuntimeOptions& options = {});
  ~OnnxRuntimeEngine() override;

  std::string name() const override;
  const std::vector<TensorSpec>& inputs() const override;
  const std::vector<TensorSpec>& outputs() const override;
  Tensor input(std::size_t index, const Shape& shape) override;
  void bind(std::size_t index, const Tensor& tensor) override;
  void run() override;
  Tensor output(std::size_t index) override;
  Tensor output_in_place(std::size_t index) override;
  /// Over the same session; null on a GPU, where calls take turns.
  std::shared_ptr<Engine> new_context() override;

 private:
  class Run;
  explicit OnnxRuntimeEngine(std::unique_ptr<Run> run);
  std::unique_ptr<Run> run_;
};

/// What is registered as "onnxruntime". Options: "library", "provider_library" and "cache_dir" as
/// above; keys that begin with "session.", "ep.", "optimization." or "mlas." are entries of the
/// session's configuration; any other is one of the provider's.
EDGECV_ENGINE_API EngineKind onnxruntime_kind();

inline const bool onnxruntime_is_registered = (register_engine(onnxruntime_kind()), true);

}  // namespace edgecv
