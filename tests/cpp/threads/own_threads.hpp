// How many threads this process has.
#pragma once

#if defined(__linux__)
#include <chrono>
#include <filesystem>
#include <iterator>
#include <thread>
#endif

namespace edgecv::testing {

/// Where nobody says: 0. A thread that was joined is still listed for a moment: counts until it has
/// the same number twice.
inline int own_threads() {
#if defined(__linux__)
  namespace fs = std::filesystem;
  const auto listed = [] {
    const auto tasks = fs::directory_iterator("/proc/self/task");
    return static_cast<int>(std::distance(fs::begin(tasks), fs::end(tasks)));
  };
  for (int before = listed();;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const int now = listed();
    if (now == before) return now;
    before = now;
  }
#else
  return 0;
#endif
}

}  // namespace edgecv::testing
