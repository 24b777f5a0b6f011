// Views of n-dimensional arrays, as engines take and give them.
//
//   std::vector<float> values(6);
//   edgecv::Tensor tensor;
//   tensor.data = values.data();
//   tensor.shape = {2, 3};
//   tensor.as<float>()[5] = 1;
//   edgecv::to_string(tensor.shape);  // "[2, 3]"
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/export.hpp"

namespace edgecv {

enum class DType { float32, float16, uint8, int32, int64 };
enum class Device { cpu, cuda };

/// Lengths of the axes; in a TensorSpec -1 stands for "any length".
using Shape = std::vector<std::int64_t>;

EDGECV_API std::size_t element_size(DType dtype);
EDGECV_API const char* to_string(DType dtype);
/// "[1, 3, 320, 320]"; an axis of any length is written "?".
EDGECV_API std::string to_string(const Shape& shape);
EDGECV_API std::int64_t element_count(const Shape& shape);

/// Name, dtype and shape of an input or output of a graph.
struct TensorSpec {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
};

/// A dense, row-major array. The memory belongs to `owner` (or, where `owner` is null, to whoever
/// made the view) and lies on `device`; work that fills it was queued on `stream` (null on a CPU).
struct Tensor {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::float32;
  Device device = Device::cpu;
  int device_index = 0;
  void* stream = nullptr;
  std::shared_ptr<void> owner;

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

}  // namespace edgecv
