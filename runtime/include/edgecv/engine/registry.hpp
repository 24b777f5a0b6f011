// The engines that a program can load bundles with. Those of edgecv register themselves where they
// are linked.
//
//   for (const edgecv::EngineKind& kind : edgecv::registered_engines()) {
//     std::printf("%s\n", kind.name.c_str());
//   }
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/bundle/hashed_file.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/offer.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

/// Options of an engine's own, by name. A kind throws Error (invalid_input) for one that it does
/// not know.
using EngineOptions = std::map<std::string, std::string>;

/// What the engines of a bundle are opened with.
struct EngineSetup {
  std::map<std::string, HashedFile> files;  // by role: graphs, or what EngineOffer::find_files gave
  std::string device;                       // empty: the engine's default
  std::string precision;
  int threads = 0;  // of one run of the network; 0: the engine chooses
  EngineOptions options;
};

/// An engine for each role of a bundle.
using Engines = std::map<std::string, std::shared_ptr<Engine>>;

struct EngineKind {
  std::string name;  // "onnxruntime"
  std::string default_device = "cpu";
  /// What it can run here, the best first.
  std::function<std::vector<EngineOffer>(const EngineOptions&)> offers;
  /// Opens the files of all roles; they share what they can. Throws Error (engine) where it cannot.
  std::function<Engines(const EngineSetup&)> open;
};

/// Adds a kind, or replaces the one of its name. Any thread may call it. Throws Error
/// (invalid_input) for a kind without a name, `offers` or `open`.
EDGECV_API void register_engine(EngineKind kind);

/// In the order in which load() prefers them: onnxruntime, openvino, then others as they came.
EDGECV_API std::vector<EngineKind> registered_engines();

}  // namespace edgecv
