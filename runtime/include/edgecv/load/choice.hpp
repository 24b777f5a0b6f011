// Which engine runs a bundle, in which precision and where. The rules, for C++ and Python alike.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");
//   std::vector<edgecv::EngineOffer> offers(1);
//   offers[0].engine = "openvino";
//   const edgecv::Choice choice = edgecv::choose(bundle, edgecv::EngineRequest(), offers);
//   std::printf("%s, %s\n", choice.engine.c_str(), choice.precision.c_str());
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/bundle/hashed_file.hpp"
#include "edgecv/engine/offer.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

struct Choice {
  std::string engine;  // empty: none
  std::string device;  // empty: the engine's own default
  std::string precision;
  std::map<std::string, HashedFile> files;  // by role: what the engine is to run, checked
  /// Better offers ("onnxruntime on cuda"), and why they were not taken.
  std::vector<std::pair<std::string, std::string>> passed_over;
};

/// Chooses between offers, the most wanted first. What is asked for is kept.
///
/// An engine that is named is taken; its opening says if it cannot run. Without a name the first
/// offer that fits is taken: it is for the device that is asked for, says no `why_not`, and, where
/// it brings files of its own, finds them. A precision that the bundle lacks and some engine
/// computes of another one's graphs leaves only such engines. `engine` is empty where none fits:
/// `passed_over` says why.
///
/// Throws Error: engine for a name that no offer has, bad_bundle if the bundle has no such graphs
/// or a file is damaged.
EDGECV_API Choice choose(const Bundle& bundle, const EngineRequest& asked,
                         const std::vector<EngineOffer>& offers);

}  // namespace edgecv
