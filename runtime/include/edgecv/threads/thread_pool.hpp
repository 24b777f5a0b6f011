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

namespace edgecv {

class ThreadPool {
 public:
  /// `threads` counts the caller's thread too; 0 takes the processors this process may use, at
  /// most 8.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls body(begin, end) on pieces that cover [0, count), `grain` indices each (the last may be
  /// shorter), on the pool's threads and the caller's; returns when all are done. The first
  /// exception thrown by `body` is thrown again here. Callers may come from several threads: their
  /// loops run one after another. In a forked child, which has no worker threads, the caller does
  /// all the work. The pieces do not depend on the number of threads, so results do not either.
  void parallel_for(int count, int grain, const std::function<void(int begin, int end)>& body);

  /// The pool used where none is given.
  static ThreadPool& global();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace edgecv
