// NumPy arrays in and out of the bindings.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace edgecv::bindings {

namespace nb = nanobind;

template <typename T, typename... Shape>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu, Shape...>;
using Boxes = Array<float, nb::shape<-1, 4>>;
using Scores = Array<float, nb::ndim<1>>;
using Labels = Array<std::int64_t, nb::ndim<1>>;

/// Hands a vector's memory on to NumPy.
template <typename T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values,
                                   std::initializer_list<std::size_t> shape) {
  auto* owner = new std::vector<T>(std::move(values));
  nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(owner->data(), shape.size(), shape.begin(), capsule);
}

}  // namespace edgecv::bindings
