// OpenVINO as an engine, on x86 and Arm processors and Intel's GPUs. In the library only if it was
// built with -DEDGECV_OPENVINO=ON; link edgecv::openvino. Where this header is included, which
// edgecv.hpp does then, load() finds it as "openvino".
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");
//   edgecv::OpenVinoOptions options;
//   options.precision = "int8";
//   auto engine = std::make_shared<edgecv::OpenVinoEngine>(bundle, "main", options);
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/registry.hpp"
#include "edgecv/export.hpp"

namespace ov {
class Any;
}

namespace edgecv {

struct OpenVinoOptions {
  std::string device = "CPU";  // as OpenVINO names it: CPU, GPU, GPU.1, NPU
  // fp32, bf16 (an fp32 graph computed in bfloat16), fp16 or int8: which graph of the bundle is
  // taken, and what its layers that are not quantised compute in. Empty: the bundle's
  // default_precision().
  std::string precision;
  int threads = 0;  // of one run of the network; 0: OpenVINO chooses

  /// A folder that this program alone writes into, where compiled networks are kept: one that is
  /// there starts sooner. Empty: none.
  std::string cache_dir;
  /// Properties in OpenVINO's words: {"NUM_STREAMS", "2"}. They replace what edgecv sets.
  std::map<std::string, std::string> properties;
  /// Called last with all properties (an ov::AnyMap), before the network is compiled. What it
  /// throws reaches the caller.
  std::function<void(std::map<std::string, ov::Any>& properties)> configure;
};

/// All engines of a process share one ov::Core.
class EDGECV_ENGINE_API OpenVinoEngine : public Engine {
 public:
  /// The bundle's graph for a role (dialect onnx), its sha256 checked. Throws Error: bad_bundle if
  /// there is none in that precision, engine if OpenVINO lacks the device or cannot load it.
  OpenVinoEngine(const Bundle& bundle, const std::string& role,
                 const OpenVinoOptions& options = {});
  /// A graph that was checked already, in the precision that the options name (empty: fp32).
  explicit OpenVinoEngine(const HashedFile& graph, const OpenVinoOptions& options = {});
  ~OpenVinoEngine() override;

  std::string name() const override;
  const std::vector<TensorSpec>& inputs() const override;
  const std::vector<TensorSpec>& outputs() const override;
  Tensor input(std::size_t index, const Shape& shape) override;
  void bind(std::size_t index, const Tensor& tensor) override;
  void run() override;
  Tensor output(std::size_t index) override;
  std::shared_ptr<Engine> new_context() override;

 private:
  struct Request;
  explicit OpenVinoEngine(std::unique_ptr<Request> request);
  static std::unique_ptr<Request> load(const HashedFile& graph, const OpenVinoOptions& given);
  std::unique_ptr<Request> request_;
};

/// What is registered as "openvino". Options: "cache_dir"; any other is one of OpenVINO's
/// properties.
EDGECV_ENGINE_API EngineKind openvino_kind();

inline const bool openvino_is_registered = (register_engine(openvino_kind()), true);

}  // namespace edgecv
