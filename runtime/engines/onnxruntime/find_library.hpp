// Where ONNX Runtime's shared library lies.
#pragma once

#include <string>

struct OrtApiBase;

namespace edgecv::onnxruntime {

struct OpenedLibrary {
  std::string path;
  const OrtApiBase* base;
};

/// See find_onnxruntime(). Throws Error (engine) naming the places that were tried.
OpenedLibrary open_library(const std::string& place);

}  // namespace edgecv::onnxruntime
