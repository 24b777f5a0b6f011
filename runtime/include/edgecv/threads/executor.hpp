// Where loops over rows and anchors run: on threads that all models share, or on the application's
// own.
//
//   class OneThread : public edgecv::Executor {
//    public:
//     int threads() const override { return 1; }
//     void parallel_for(int count, int, const std::function<void(int, int)>& body) override {
//       body(0, count);
//     }
//   };
//   std::shared_ptr<edgecv::Executor> mine = std::make_shared<OneThread>();
//   std::shared_ptr<edgecv::Executor> two_threads = edgecv::shared_executor(2);
#pragma once

#include <functional>
#include <memory>

#include "edgecv/export.hpp"

namespace edgecv {

/// One object may be called from any number of threads at once.
class EDGECV_API Executor {
 public:
  virtual ~Executor() = default;

  /// How many threads a loop may have, the caller's too; 1 or more.
  virtual int threads() const = 0;

  /// Calls body(begin, end) on ranges that cover [0, count), each index once, and returns when all
  /// are done. `grain` indices are about as much as is worth a task. Models hand over a `body` that
  /// throws nothing. The ranges may be of any length, in any order, on any thread; until the loop
  /// ends, the threads that are in it run nothing else of this library.
  virtual void parallel_for(int count, int grain,
                            const std::function<void(int begin, int end)>& body) = 0;

  /// The same for any callable, without memory for a copy of it.
  template <typename Body>
  void parallel_for(int count, int grain, const Body& body) {
    parallel_for(count, grain, std::function<void(int, int)>(std::cref(body)));
  }
};

/// Loops of at most `threads` threads, the caller's too, on the pool that all models of the process
/// share; 0 takes the processors this process may use, at most 8. The pool has as many threads as
/// the largest number that was asked for. Loops of several callers run at the same time. A forked
/// child gets a pool of its own.
EDGECV_API std::shared_ptr<Executor> shared_executor(int threads = 0);

}  // namespace edgecv
