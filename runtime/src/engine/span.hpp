// A few things that lie one after another.
#pragma once

#include <cstddef>
#include <vector>

namespace edgecv {

template <typename T>
struct Span {
  T* first;
  std::size_t count;

  T* begin() const { return first; }
  T* end() const { return first + count; }
};

template <typename T>
Span<const T> span_of(const std::vector<T>& values) {
  return {values.data(), values.size()};
}

}  // namespace edgecv
