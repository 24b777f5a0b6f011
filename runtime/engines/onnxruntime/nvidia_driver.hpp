// What ONNX Runtime's C interface lacks (before 1.23, a copy from a GPU), by NVIDIA's driver.
#pragma once

#include <cstddef>

namespace edgecv::onnxruntime {

/// 0 without a driver.
int gpu_count();

/// Returns when the bytes are there. Throws Error (engine).
void copy_from_gpu(void* target, const void* source, std::size_t bytes, int device);

/// Returns when what was queued on a stream is done. Throws Error (engine).
void wait_for_stream(void* stream, int device);

}  // namespace edgecv::onnxruntime
