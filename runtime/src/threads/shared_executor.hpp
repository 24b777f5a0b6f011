// A part of the process's pool; see shared_executor().
#pragma once

#include <functional>

#include "edgecv/threads/executor.hpp"

namespace edgecv {

class SharedExecutor final : public Executor {
 public:
  /// `threads` is 1 or more.
  explicit SharedExecutor(int threads);

  int threads() const override { return threads_; }
  void parallel_for(int count, int grain, const std::function<void(int, int)>& body) override;

 private:
  int threads_;
};

}  // namespace edgecv
