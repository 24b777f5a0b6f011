// Tensors of the core as NumPy arrays and back.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "edgecv/engine/tensor.hpp"
#include "edgecv/error.hpp"

namespace edgecv::bindings {

namespace nb = nanobind;

inline nb::dlpack::dtype to_dlpack(DType dtype) {
  using Code = nb::dlpack::dtype_code;
  switch (dtype) {
    case DType::float32:
      return {static_cast<std::uint8_t>(Code::Float), 32, 1};
    case DType::float16:
      return {static_cast<std::uint8_t>(Code::Float), 16, 1};
    case DType::uint8:
      return {static_cast<std::uint8_t>(Code::UInt), 8, 1};
    case DType::int32:
      return {static_cast<std::uint8_t>(Code::Int), 32, 1};
    case DType::int64:
      return {static_cast<std::uint8_t>(Code::Int), 64, 1};
  }
  throw Error(ErrorCode::internal, "unknown dtype");
}

inline DType from_dlpack(nb::dlpack::dtype dtype) {
  for (const DType known :
       {DType::float32, DType::float16, DType::uint8, DType::int32, DType::int64}) {
    if (to_dlpack(known) == dtype) return known;
  }
  throw Error(
      ErrorCode::engine,
      "an engine gave an array of a dtype other than float32, float16, uint8, int32, int64");
}

/// A view of a NumPy array that keeps the array alive. Call with the GIL held.
inline Tensor to_tensor(nb::handle object) {
  using Array = nb::ndarray<nb::c_contig, nb::device::cpu>;
  const auto array = nb::cast<Array>(object);  // a copy where the rows are apart
  Tensor tensor;
  tensor.data = array.data();
  tensor.dtype = from_dlpack(array.dtype());
  for (std::size_t i = 0; i < array.ndim(); ++i) tensor.shape.push_back(array.shape(i));
  tensor.owner = std::shared_ptr<void>(new Array(array), [](void* held) {
    nb::gil_scoped_acquire acquire;
    delete static_cast<Array*>(held);
  });
  return tensor;
}

/// A NumPy array over a tensor's memory, which must outlive it unless the tensor has an owner.
inline nb::ndarray<nb::numpy> to_array(const Tensor& tensor) {
  std::vector<std::size_t> shape(tensor.shape.begin(), tensor.shape.end());
  nb::capsule owner(new std::shared_ptr<void>(tensor.owner),
                    [](void* p) noexcept { delete static_cast<std::shared_ptr<void>*>(p); });
  return nb::ndarray<nb::numpy>(tensor.data, shape.size(), shape.data(), owner, nullptr,
                                to_dlpack(tensor.dtype));
}

}  // namespace edgecv::bindings
