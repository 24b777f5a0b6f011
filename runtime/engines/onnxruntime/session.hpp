// A session of ONNX Runtime's over one graph: what the contexts of an engine share.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/engine/tensor.hpp"
#include "onnxruntime/library.hpp"
#include "onnxruntime/providers.hpp"

namespace edgecv::onnxruntime {

/// A graph to load: a file, or bytes where `path` is empty.
struct GraphBytes {
  std::string name;  // for messages
  std::string path;
  const void* data = nullptr;
  std::size_t size = 0;
  std::string sha256;  // empty: not known
};

class Session {
 public:
  Session(const GraphBytes& graph, const OnnxRuntimeOptions& options);

  std::shared_ptr<const Library> library;
  Provider provider;
  std::vector<TensorSpec> inputs, outputs;
  Handle<OrtSession> session;
  OrtAllocator* allocator = nullptr;  // the library's own
};

/// Of the graph's dtypes, those that edgecv has.
ONNXTensorElementDataType to_onnx(DType dtype);

}  // namespace edgecv::onnxruntime
