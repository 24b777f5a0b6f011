#include "threads/recycled.hpp"

#include <array>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EDGECV_EACH_ANEW
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define EDGECV_EACH_ANEW
#endif

namespace edgecv {

#if defined(EDGECV_EACH_ANEW)  // so that the sanitizer sees each vector's ends and life

void* recycled_memory(std::size_t bytes) { return ::operator new(bytes); }
void recycle_memory(void* memory, std::size_t) noexcept { ::operator delete(memory); }

#else

namespace {

constexpr std::size_t most_held = std::size_t{16} << 20;  // bytes

/// Blocks are 64 bytes or a larger power of two.
std::size_t order_of(std::size_t bytes) {
  std::size_t order = 6;
  while (order < 8 * sizeof(std::size_t) - 1 && std::size_t{1} << order < bytes) ++order;
  return order;
}

struct Block {
  Block* next;
};

bool& ended() {
  thread_local bool value = false;  // without a destructor: it outlives the blocks
  return value;
}

/// Those that this thread holds.
struct Held {
  std::array<Block*, 8 * sizeof(std::size_t)> first{};  // by order
  std::size_t bytes = 0;

  ~Held() {
    ended() = true;
    for (Block* block : first) {
      while (block != nullptr) {
        Block* const next = block->next;
        ::operator delete(block);
        block = next;
      }
    }
  }
};

Held& held() {
  thread_local Held value;
  return value;
}

}  // namespace

void* recycled_memory(std::size_t bytes) {
  const std::size_t order = order_of(bytes);
  if (!ended()) {
    Held& mine = held();
    if (Block* const block = mine.first[order]) {
      mine.first[order] = block->next;
      mine.bytes -= std::size_t{1} << order;
      return block;
    }
  }
  return ::operator new(std::size_t{1} << order);
}

void recycle_memory(void* memory, std::size_t bytes) noexcept {
  const std::size_t order = order_of(bytes);
  if (!ended()) {
    Held& mine = held();
    if (mine.bytes + (std::size_t{1} << order) <= most_held) {
      mine.first[order] = new (memory) Block{mine.first[order]};
      mine.bytes += std::size_t{1} << order;
      return;
    }
  }
  ::operator delete(memory);
}

#endif

}  // namespace edgecv
