// How load() is to run a bundle.
//
//   edgecv::Options options;
//   options.engine = "openvino";
//   options.precision = "int8";
//   options.threads = 2;
#pragma once

#include <map>
#include <memory>
#include <string>

#include "edgecv/threads/executor.hpp"

namespace edgecv {

struct Options {
  /// "onnxruntime", "openvino", or how another one was registered; empty: the best that can run the
  /// bundle.
  std::string engine;
  /// As the engine names it: "cpu", "cuda", "cuda:1"; empty: chosen with the engine.
  std::string device;
  /// fp32, fp16, bf16 or int8; empty: fp32, or the most exact that the bundle has.
  std::string precision;
  /// Of one call, for the network and for the work around it, 1 to 1024; 0: both choose.
  int threads = 0;
  /// The loops around the network run on it; null: on threads that all models of the process share.
  std::shared_ptr<Executor> executor;
  /// For the engine; one that it does not know is an error. "NAME.key" is `key` for the engine NAME
  /// and nothing for others, so that options for several may be given.
  std::map<std::string, std::string> engine_options;
};

}  // namespace edgecv
