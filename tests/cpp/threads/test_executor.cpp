// Where loops run: the pool that all models share, and executors of the application.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/threads/executor.hpp"
#include "edgecv/threads/thread_pool.hpp"
#include "refusal.hpp"
#include "threads/guarded_executor.hpp"
#include "threads/own_threads.hpp"

using namespace edgecv;
using testing::own_threads;
using testing::refusal;

namespace {

using Body = std::function<void(int, int)>;
using Pieces = std::vector<std::pair<int, int>>;

/// Runs a loop as the test says.
class Scripted : public Executor {
 public:
  explicit Scripted(std::function<void(int, const Body&)> script, int threads = 2)
      : script_(std::move(script)), threads_(threads) {}
  int threads() const override { return threads_; }
  void parallel_for(int count, int, const Body& body) override { script_(count, body); }

 private:
  std::function<void(int, const Body&)> script_;
  int threads_;
};

Pieces pieces_of(Executor& executor, int count, int grain) {
  Pieces pieces;
  std::mutex mutex;
  const Body body = [&](int begin, int end) {
    const std::lock_guard<std::mutex> lock(mutex);
    pieces.emplace_back(begin, end);
  };
  executor.parallel_for(count, grain, body);
  std::sort(pieces.begin(), pieces.end());
  return pieces;
}

const Pieces five_pieces{{0, 5}, {5, 10}, {10, 15}, {15, 20}, {20, 23}};

}  // namespace

TEST_CASE("parts of the shared pool cut a loop as a pool does") {
  for (const int threads : {1, 2, 5}) {
    const auto part = shared_executor(threads);
    CHECK(part->threads() == threads);
    CHECK(pieces_of(*part, 23, 5) == five_pieces);
    CHECK(pieces_of(*part, 0, 5).empty());
    CHECK(pieces_of(*part, 3, 0) == Pieces{{0, 1}, {1, 2}, {2, 3}});
  }
  CHECK(shared_executor()->threads() == ThreadPool().threads());
}

TEST_CASE("the shared pool has as many threads as the largest number asked for, once") {
  const auto eight = shared_executor(8);
  const int before = own_threads();
  std::vector<std::shared_ptr<Executor>> parts;
  for (const int threads : {0, 1, 3, 8, 8}) parts.push_back(shared_executor(threads));
  CHECK(own_threads() == before);
  parts.push_back(shared_executor(10));
  CHECK(own_threads() == before + 2);
}

TEST_CASE("a loop on a part of the pool has no more threads than the part") {
  const auto all = shared_executor(6);
  const auto three = shared_executor(3);
  std::atomic<int> inside{0}, most{0};
  for (int loop = 0; loop < 200; ++loop) {
    three->parallel_for(64, 1, [&](int, int) {
      const int now = ++inside;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      --inside;
    });
  }
  CHECK(most <= 3);
}

TEST_CASE("loops of two callers run at the same time on one pool") {
  const auto part = shared_executor(2);
  std::atomic<int> inside{0};
  // Each loop ends only when the other has begun.
  const auto meet = [&] {
    part->parallel_for(2, 1, [&](int begin, int) {
      if (begin != 0) return;
      ++inside;
      while (inside < 2) std::this_thread::yield();
    });
  };
  std::thread other(meet);
  meet();
  other.join();
  CHECK(inside == 2);
}

TEST_CASE("an executor may divide a loop as it likes") {
  const std::vector<std::function<void(int, const Body&)>> scripts{
      [](int count, const Body& body) { body(0, count); },
      [](int count, const Body& body) {
        for (int i = count; i-- > 0;) body(i, i + 1);
      },
      [](int count, const Body& body) {
        std::thread half([&] { body(count / 2, count); });
        body(0, count / 2);
        half.join();
      }};
  for (const auto& script : scripts) {
    const auto executor = guarded(std::make_shared<Scripted>(script));
    CHECK(executor->threads() == 2);
    CHECK(pieces_of(*executor, 23, 5) == five_pieces);
  }
}

TEST_CASE("what a loop throws passes through an executor that would not survive it") {
  bool threw = false;
  const auto executor = guarded(std::make_shared<Scripted>([&](int count, const Body& body) {
    try {
      for (int i = 0; i < count; ++i) body(i, i + 1);
    } catch (...) {
      threw = true;
    }
  }));
  const Body fails = [](int begin, int) {
    if (begin >= 10) throw std::runtime_error("piece " + std::to_string(begin));
  };
  CHECK_THROWS_WITH_AS(executor->parallel_for(23, 5, fails), "piece 10", std::runtime_error);
  CHECK(!threw);
}

TEST_CASE("an executor that leaves out work, or fails, is an error") {
  const Body nothing = [](int, int) {};
  const auto said = [&](ErrorCode code, std::function<void(int, const Body&)> script) {
    const auto executor = guarded(std::make_shared<Scripted>(std::move(script)));
    return refusal(code, [&] { executor->parallel_for(23, 5, nothing); });
  };
  CHECK(said(ErrorCode::invalid_input, [](int, const Body&) {}) ==
        "executor: parallel_for() ran 0 indices of a loop, expected each of 5 once");
  CHECK(said(ErrorCode::invalid_input, [](int count, const Body& body) {
          body(0, count);
          body(2, 3);
        }) == "executor: parallel_for() ran 6 indices of a loop, expected each of 5 once");
  CHECK(said(ErrorCode::system, [](int, const Body&) { throw std::runtime_error("no queue"); }) ==
        "the executor failed: no queue");
  CHECK(said(ErrorCode::system, [](int, const Body&) { throw 3; }) ==
        "the executor failed with an exception of another type than std::exception");
  const auto poor =
      guarded(std::make_shared<Scripted>([](int, const Body&) { throw std::bad_alloc(); }));
  CHECK_THROWS_AS(poor->parallel_for(23, 5, nothing), std::bad_alloc);
}

TEST_CASE("no executor, and one without a thread") {
  CHECK(refusal(ErrorCode::invalid_input, [] { guarded(nullptr); }) ==
        "executor: expected one, got null; see shared_executor()");
  const auto none = std::make_shared<Scripted>([](int, const Body&) {}, 0);
  CHECK(refusal(ErrorCode::invalid_input, [&] { guarded(none); }) ==
        "executor: expected threads() to be 1 or more, got 0");
}
