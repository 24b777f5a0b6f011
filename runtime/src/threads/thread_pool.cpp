#include "edgecv/threads/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "edgecv/error.hpp"
#include "threads/forks.hpp"
#include "threads/processors.hpp"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace edgecv {
namespace {

constexpr int max_default_threads = 8;

// How long a thread looks for work, or for the end of the others' work, before it sleeps. Loops
// often follow each other closely, and waking a sleeper takes as long.
constexpr std::chrono::microseconds spin_time{30};

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#else
  std::this_thread::yield();
#endif
}

/// True as soon as `done()` is, false if it is not within the spin time.
template <typename Done>
bool spin_until(Done done) {
  const auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

struct Loop {
  int count;
  int grain;
  int pieces;
  const std::function<void(int, int)>* body;
  std::atomic<int> next{0};
  std::mutex error_mutex;
  std::exception_ptr error;

  Loop(int count_, int grain_, const std::function<void(int, int)>& body_)
      : count(count_),
        grain(grain_),
        pieces(count_ / grain_ + (count_ % grain_ != 0)),
        body(&body_) {}

  void run_piece(int piece) const {
    const int begin = piece * grain;
    (*body)(begin, count - begin < grain ? count : begin + grain);
  }

  /// Takes pieces until none is left; after an exception the rest is dropped.
  void work() {
    try {
      for (int piece; (piece = next.fetch_add(1, std::memory_order_relaxed)) < pieces;) {
        run_piece(piece);
      }
    } catch (...) {
      next.store(pieces, std::memory_order_relaxed);
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  }
};

thread_local bool inside_loop = false;

}  // namespace

int usable_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

struct ThreadPool::State {
  int forks_at_start = 0;
  int size = 1;
  std::vector<std::thread> workers;

  std::mutex callers;  // held by the caller whose loop runs

  std::mutex
      mutex;  // guards what follows; the atomics are also read without it, by spinning threads
  std::condition_variable work_ready;
  std::condition_variable work_done;
  Loop* loop = nullptr;  // to be joined; null when its caller has seen the last piece taken
  std::atomic<std::uint64_t> loops{0};  // started so far
  std::atomic<int> busy{0};             // workers inside `loop`
  std::atomic<bool> stop{false};

  ~State() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stop = true;
    }
    work_ready.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  // A pool made before the last fork has no workers here.
  bool forked() const { return forks_at_start != fork_count(); }

  void worker() {
    inside_loop = true;  // a loop within a loop runs on its own thread
    std::uint64_t seen = 0;
    const auto news = [&] { return stop.load() || loops.load() != seen; };
    while (true) {
      spin_until(news);
      std::unique_lock<std::mutex> lock(mutex);
      work_ready.wait(lock, news);
      if (stop) return;
      seen = loops;
      Loop* const joined = loop;
      if (joined == nullptr) continue;
      ++busy;
      lock.unlock();
      joined->work();
      lock.lock();
      if (--busy == 0) work_done.notify_one();
    }
  }

  void run(Loop& new_loop) {
    const std::lock_guard<std::mutex> turn(callers);
    {
      const std::lock_guard<std::mutex> lock(mutex);
      loop = &new_loop;
      ++loops;
    }
    work_ready.notify_all();
    inside_loop = true;
    new_loop.work();
    inside_loop = false;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      loop = nullptr;
    }
    const auto finished = [this] { return busy.load() == 0; };
    spin_until(finished);
    std::unique_lock<std::mutex> lock(mutex);
    work_done.wait(lock, finished);
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads < 0) {
    throw Error(ErrorCode::invalid_input, "threads is " + std::to_string(threads) +
                                              ", must be 0 (all processors, at most 8) or more");
  }
  state_->forks_at_start = fork_count();
  state_->size = threads > 0 ? threads : std::clamp(usable_processors(), 1, max_default_threads);
  for (int i = 1; i < state_->size; ++i) {
    state_->workers.emplace_back([state = state_.get()] { state->worker(); });
  }
}

ThreadPool::~ThreadPool() {
  // In a forked child there is nothing to join, and a lock may be held by a thread that is not
  // here.
  if (state_ && state_->forked()) static_cast<void>(state_.release());
}

int ThreadPool::threads() const { return state_->size; }

void ThreadPool::parallel_for(int count, int grain, const std::function<void(int, int)>& body) {
  if (count <= 0) return;
  Loop loop(count, std::max(grain, 1), body);
  if (loop.pieces == 1 || state_->workers.empty() || inside_loop || state_->forked()) {
    for (int piece = 0; piece < loop.pieces; ++piece) loop.run_piece(piece);
    return;
  }
  state_->run(loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

ThreadPool& ThreadPool::global() {
  // Never destroyed: joining threads while a process or a Windows library unloads can hang.
  static ThreadPool* const pool = new ThreadPool();
  return *pool;
}

}  // namespace edgecv
