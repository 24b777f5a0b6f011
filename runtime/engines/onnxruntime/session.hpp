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

class Session {
 public:
  Session(const HashedFile& graph, const OnnxRuntimeOptions& options);

  std::shared_ptr<const Library> library;
  Provider provider;
  std::vector<TensorSpec> inputs, outputs;
  Handle<OrtSession> session;
  OrtAllocator* allocator = nullptr;  // the library's own
};

/// Of the graph's dtypes, those that edgecv has.
ONNXTensorElementDataType to_onnx(DType dtype);

}  // namespace edgecv::onnxruntime
