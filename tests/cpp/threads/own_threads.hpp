// How many threads this process has.
#pragma once

#if defined(__linux__)
#include <filesystem>
#include <iterator>
#endif

namespace edgecv::testing {

/// Where nobody says: 0.
inline int own_threads() {
#if defined(__linux__)
  namespace fs = std::filesystem;
  const auto tasks = fs::directory_iterator("/proc/self/task");
  return static_cast<int>(std::distance(fs::begin(tasks), fs::end(tasks)));
#else
  return 0;
#endif
}

}  // namespace edgecv::testing
