// Vectors whose memory the next one takes over, so that frame after frame none is asked for.
//
//   for (int frame = 0; frame < 100; ++frame) {
//     Recycled<float> row(1920);  // asks for memory once
//     row[0] = 1;
//   }
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <vector>

namespace edgecv {

/// Memory for `bytes`, of what this thread gave back before if there is any. Throws std::bad_alloc.
void* recycled_memory(std::size_t bytes);
void recycle_memory(void* memory, std::size_t bytes) noexcept;

/// An allocator, for vectors that grow and end on one thread. A thread holds some 16 MiB of memory
/// at most for its next vectors, and frees it when it ends.
template <typename T>
struct RecycledMemory {
  using value_type = T;

  RecycledMemory() = default;
  template <typename U>
  RecycledMemory(const RecycledMemory<U>&) noexcept {}

  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(recycled_memory(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    recycle_memory(memory, count * sizeof(T));
  }

  template <typename U>
  bool operator==(const RecycledMemory<U>&) const noexcept {
    return true;
  }
  template <typename U>
  bool operator!=(const RecycledMemory<U>&) const noexcept {
    return false;
  }
};

template <typename T>
using Recycled = std::vector<T, RecycledMemory<T>>;

}  // namespace edgecv
