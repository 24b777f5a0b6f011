#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/threads/thread_pool.hpp"
#include "refusal.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using edgecv::ErrorCode;
using edgecv::shared_executor;
using edgecv::ThreadPool;
using edgecv::testing::refusal;

TEST_CASE("the pieces cover the range and do not depend on the threads") {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    std::mutex mutex;
    std::vector<std::pair<int, int>> pieces;
    pool.parallel_for(23, 5, [&](int begin, int end) {
      const std::lock_guard<std::mutex> lock(mutex);
      pieces.emplace_back(begin, end);
    });
    std::sort(pieces.begin(), pieces.end());
    CHECK(pieces ==
          std::vector<std::pair<int, int>>{{0, 5}, {5, 10}, {10, 15}, {15, 20}, {20, 23}});
  }
}

TEST_CASE("no index, one index, a grain below 1") {
  ThreadPool pool(2);
  int calls = 0;
  pool.parallel_for(0, 4, [&](int, int) { ++calls; });
  pool.parallel_for(-3, 4, [&](int, int) { ++calls; });
  CHECK(calls == 0);
  pool.parallel_for(1, 4, [&](int begin, int end) { calls += begin == 0 && end == 1; });
  CHECK(calls == 1);
  std::atomic<int> single{0};
  pool.parallel_for(7, 0, [&](int begin, int end) { single += end - begin == 1; });
  CHECK(single == 7);
}

TEST_CASE("each index once, over many loops") {
  ThreadPool pool(3);
  std::vector<int> hits(1000);
  for (int loop = 0; loop < 2000; ++loop) {
    pool.parallel_for(1000, 37, [&](int begin, int end) {
      for (int i = begin; i < end; ++i) ++hits[static_cast<std::size_t>(i)];
    });
  }
  CHECK(std::all_of(hits.begin(), hits.end(), [](int hit) { return hit == 2000; }));
}

TEST_CASE("the workers take part, asleep or not") {
  ThreadPool pool(2);
  for (const int pause_ms : {0, 20}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    std::atomic<int> inside{0};
    // Each piece waits for the other, so that one thread alone would never end.
    pool.parallel_for(2, 1, [&](int, int) {
      ++inside;
      while (inside < 2) std::this_thread::yield();
    });
    CHECK(inside == 2);
  }
}

TEST_CASE("an exception reaches the caller and the pool goes on") {
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    const auto fails = [](int begin, int) {
      if (begin == 50) throw std::runtime_error("piece 50");
    };
    CHECK_THROWS_WITH_AS(pool.parallel_for(100, 1, fails), "piece 50", std::runtime_error);
    std::atomic<int> sum{0};
    pool.parallel_for(100, 1, [&](int begin, int) { sum += begin; });
    CHECK(sum == 4950);
  }
}

TEST_CASE("several callers at once") {
  ThreadPool pool(3);
  std::vector<long> sums(4);
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < sums.size(); ++caller) {
    callers.emplace_back([&, caller] {
      for (int loop = 0; loop < 200; ++loop) {
        std::atomic<long> sum{0};
        pool.parallel_for(500, 10, [&](int begin, int end) {
          for (int i = begin; i < end; ++i) sum += i;
        });
        sums[caller] += sum;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const long sum : sums) CHECK(sum == 200L * 124750);
}

TEST_CASE("a loop inside a loop") {
  ThreadPool pool(2);
  std::atomic<int> count{0};
  pool.parallel_for(8, 1, [&](int, int) { pool.parallel_for(8, 1, [&](int, int) { ++count; }); });
  CHECK(count == 64);
}

TEST_CASE("the number of threads") {
  for (const int wrong : {-1, 1025, 100000}) {
    const std::string expected =
        "threads is " + std::to_string(wrong) + ", must be 0 (all processors, at most 8) to 1024";
    CHECK(refusal(ErrorCode::invalid_input, [&] { ThreadPool pool(wrong); }) == expected);
    CHECK(refusal(ErrorCode::invalid_input, [&] { shared_executor(wrong); }) == expected);
  }
  const int threads = ThreadPool().threads();
  CHECK(threads >= 1);
  CHECK(threads <= 8);
  CHECK(&ThreadPool::global() == &ThreadPool::global());
  CHECK(ThreadPool::global().threads() == threads);
}

// The thread sanitizer allows no thread in a forked child.
#if (defined(__unix__) || defined(__APPLE__)) && !defined(__SANITIZE_THREAD__)
namespace {

/// Ends well if `good` gives true in a child process.
void in_child(const std::function<bool()>& good) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a hang ends the child
    _exit(good() ? 0 : 1);
  }
  REQUIRE(child > 0);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace

TEST_CASE("a forked child works alone, and a pool made there has workers") {
  ThreadPool pool(4);
  pool.parallel_for(100, 1, [](int, int) {});
  const auto shared = shared_executor(3);
  in_child([&] {
    std::atomic<int> sum{0};
    const auto add = [&](int begin, int) { sum += begin; };
    pool.parallel_for(100, 1, add);
    {
      ThreadPool own(2);
      own.parallel_for(100, 1, add);
    }
    shared->parallel_for(100, 1, add);
    std::atomic<int> inside{0};
    // The child's part of a shared pool has a worker: alone the caller would never end.
    shared_executor(2)->parallel_for(2, 1, [&](int, int) {
      ++inside;
      while (inside < 2) std::this_thread::yield();
    });
    pool.~ThreadPool();
    return sum == 3 * 4950;
  });
}

#if defined(__GLIBC__)
TEST_CASE("a machine that starts no more threads") {
  in_child([] {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    // Stacks larger than any memory.
    pthread_attr_setstacksize(&attributes, std::numeric_limits<std::size_t>::max() / 4);
    if (pthread_setattr_default_np(&attributes) != 0) return false;
    const std::string said = refusal(ErrorCode::system, [] { ThreadPool pool(3); });
    return said.rfind("threads: this machine started 1 of 3 and no more (", 0) == 0;
  });
}
#endif
#endif
