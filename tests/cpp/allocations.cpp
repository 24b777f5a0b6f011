#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace edgecv::testing {
namespace {

std::atomic<long> count{0}, bytes{0}, in_use{0};
thread_local int pauses = 0;
thread_local long until_failure = -1;  // -1: none fails

}  // namespace

Allocations allocations() { return {count, bytes}; }
long blocks_in_use() { return in_use; }

FailingAllocation::FailingAllocation(long number) { until_failure = number; }
FailingAllocation::~FailingAllocation() { until_failure = -1; }
bool FailingAllocation::happened() const { return until_failure == -1; }

AllocationPause::AllocationPause() { ++pauses; }
AllocationPause::~AllocationPause() { --pauses; }

/// Null where it fails.
static void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (pauses == 0) {
    if (until_failure >= 0 && until_failure-- == 0) return nullptr;
    ++count;
    bytes += static_cast<long>(size);
  }
  if (size == 0) size = 1;
  void* const memory =
      alignment == 0
          ? std::malloc(size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory != nullptr) ++in_use;
  return memory;
}

static void release(void* memory) noexcept {
  if (memory == nullptr) return;
  --in_use;
  std::free(memory);
}

static void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* const memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace edgecv::testing

using namespace edgecv::testing;

void* operator new(std::size_t size) { return allocate_or_throw(size, 0); }
void* operator new[](std::size_t size) { return allocate_or_throw(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { release(memory); }
