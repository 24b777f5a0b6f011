// A small pool for loops over rows and anchors.
//
//   std::vector<int> squares(1000);
//   edgecv::ThreadPool pool(4);
//   pool.parallel_for(1000, 100, [&](int begin, int end) {
//     for (int i = begin; i < end; ++i) squares[i] = i * i;
//   });
#pragma once

#include <functional>
#include <memory>

#include "edgecv/export.hpp"
#include "edgecv/threads/executor.hpp"

namespace edgecv {

class EDGECV_API ThreadPool final : public Executor {
 public:
  /// The most threads that may be asked for.
  static constexpr int most_threads = 1024;

  /// `threads` counts the caller's thread too; 0 takes the processors this process may use, at
  /// most 8. Throws Error: invalid_input for a number below 0 or above most_threads, system if the
  /// machine cannot start them.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const override;

  /// Calls body(begin, end) on pieces that cover [0, count), `grain` indices each (the last may be
  /// shorter), on the pool's threads and the caller's; returns when all are done. The first
  /// exception thrown by `body` is thrown again here. Callers may come from several threads: their
  /// loops run at the same time and share the pool's threads. In a forked child, which has no
  /// worker threads, the caller does all the work. The pieces do not depend on the number of
  /// threads, so results do not either.
  void parallel_for(int count, int grain,
                    const std::function<void(int begin, int end)>& body) override;
  using Executor::parallel_for;

  /// The pool used where none is given: that of shared_executor(0).
  static ThreadPool& global();

 private:
  friend class SharedExecutor;
  struct State;
  void run(int count, int grain, const std::function<void(int, int)>& body, int threads);
  void grow(int threads);  // to as many, if it has fewer

  std::unique_ptr<State> state_;
};

}  // namespace edgecv
