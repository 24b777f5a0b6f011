#include "threads/forks.hpp"

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace edgecv {
namespace {

std::atomic<int> count{0};

}  // namespace

int fork_count() {
#if defined(__unix__) || defined(__APPLE__)
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
#endif
  return count.load(std::memory_order_relaxed);
}

}  // namespace edgecv
