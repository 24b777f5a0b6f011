// What an engine says that it can run here. load/choice.hpp chooses between offers.
//
//   edgecv::EngineOffer offer;
//   offer.engine = "onnxruntime";
//   offer.device = "cuda";
//   offer.devices = {"cuda"};
//   offer.why_not = [] { return std::string("the NVIDIA driver offers no GPU"); };
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "edgecv/bundle/hashed_file.hpp"

namespace edgecv {

class Bundle;

/// What was asked for; empty where nothing was.
struct EngineRequest {
  std::string engine;     // its name
  std::string device;     // "cpu", "cuda", "cuda:1": as the engine names it
  std::string precision;  // fp32 | fp16 | bf16 | int8
};

/// What an engine runs in place of the bundle's graphs.
struct EngineFiles {
  std::string precision;
  std::map<std::string, HashedFile> files;  // by role
};

/// One engine, on one device or on any.
struct EngineOffer {
  std::string engine;
  /// Where it runs if no device is asked for; empty: the engine's own default.
  std::string device;
  /// The devices it is for, without an index ("cuda" for "cuda:1"); empty: whatever is asked for.
  std::vector<std::string> devices = {};
  /// Precisions that it computes graphs of another one in: {"bf16", "fp32"} runs fp32 graphs in
  /// bf16.
  std::map<std::string, std::string> computes = {};
  /// Why it cannot run here; empty if it can. Asked when its turn comes, which may be never. Null:
  /// it can.
  std::function<std::string()> why_not = nullptr;
  /// Finds what the engine runs in place of the bundle's graphs, such as a plan that was built of
  /// each; throws Error (engine, bad_bundle) where there is none that fits. Null: it runs graphs in
  /// the dialect onnx.
  std::function<EngineFiles(const Bundle&, const EngineRequest&)> find_files = nullptr;
};

}  // namespace edgecv
