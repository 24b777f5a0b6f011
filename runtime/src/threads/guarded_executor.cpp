#include "threads/guarded_executor.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "edgecv/error.hpp"
#include "edgecv/threads/thread_pool.hpp"
#include "threads/shared_executor.hpp"

namespace edgecv {
namespace {

class GuardedExecutor final : public Executor {
 public:
  explicit GuardedExecutor(std::shared_ptr<Executor> executor) : executor_(std::move(executor)) {}

  int threads() const override { return executor_->threads(); }

  void parallel_for(int count, int grain, const std::function<void(int, int)>& body) override {
    if (count <= 0) return;
    grain = std::max(grain, 1);
    const int pieces = count / grain + (count % grain != 0);
    std::atomic<int> done{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::exception_ptr error;
    const auto run_pieces = [&](int first, int last) {
      try {
        for (int piece = first; piece < last && !failed; ++piece) {
          const int begin = piece * grain;
          body(begin, count - begin < grain ? count : begin + grain);
        }
        done += last - first;
      } catch (...) {
        failed = true;
        const std::lock_guard<std::mutex> lock(mutex);
        if (!error) error = std::current_exception();
      }
    };
    call(pieces, run_pieces);
    if (error) std::rethrow_exception(error);
    if (done != pieces) {
      throw Error(ErrorCode::invalid_input, "executor: parallel_for() ran " + std::to_string(done) +
                                                " indices of a loop, expected each of " +
                                                std::to_string(pieces) + " once");
    }
  }

 private:
  template <typename Body>
  void call(int pieces, const Body& body) {
    try {
      executor_->parallel_for(pieces, 1, body);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& thrown) {
      throw Error(ErrorCode::system, std::string("the executor failed: ") + thrown.what());
    } catch (...) {
      throw Error(ErrorCode::system,
                  "the executor failed with an exception of another type than "
                  "std::exception");
    }
  }

  std::shared_ptr<Executor> executor_;
};

}  // namespace

std::shared_ptr<Executor> guarded(std::shared_ptr<Executor> executor) {
  if (!executor) {
    throw Error(ErrorCode::invalid_input,
                "executor: expected one, got null; see shared_executor()");
  }
  if (executor->threads() < 1) {
    throw Error(ErrorCode::invalid_input, "executor: expected threads() to be 1 or more, got " +
                                              std::to_string(executor->threads()));
  }
  const Executor* const known = executor.get();
  if (dynamic_cast<const ThreadPool*>(known) || dynamic_cast<const SharedExecutor*>(known)) {
    return executor;
  }
  return std::make_shared<GuardedExecutor>(std::move(executor));
}

}  // namespace edgecv
