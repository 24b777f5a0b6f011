#include "edgecv/threads/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "edgecv/error.hpp"
#include "threads/forks.hpp"
#include "threads/processors.hpp"
#include "threads/shared_executor.hpp"

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

  // Guarded by the pool's mutex; `helpers` is also read without it, by its caller that spins.
  int open = 0;                 // workers that may still join
  std::atomic<int> helpers{0};  // workers inside
  Loop* later = nullptr;        // in the pool's list

  Loop(int count_, int grain_, const std::function<void(int, int)>& body_)
      : count(count_),
        grain(grain_),
        pieces(count_ / grain_ + (count_ % grain_ != 0)),
        body(&body_) {}

  void run_piece(int piece) const {
    const int begin = piece * grain;
    (*body)(begin, count - begin < grain ? count : begin + grain);
  }

  void run_alone() const {
    for (int piece = 0; piece < pieces; ++piece) run_piece(piece);
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

int default_threads() { return std::clamp(usable_processors(), 1, max_default_threads); }

/// `threads`, or the default for 0.
int counted(int threads) {
  if (threads < 0 || threads > ThreadPool::most_threads) {
    throw Error(ErrorCode::invalid_input, "threads is " + std::to_string(threads) +
                                              ", must be 0 (all processors, at most 8) to " +
                                              std::to_string(ThreadPool::most_threads));
  }
  return threads > 0 ? threads : default_threads();
}

}  // namespace

int usable_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

struct ThreadPool::State {
  int forks_at_start = fork_count();
  int size = 1;
  std::atomic<int> started{0};  // workers

  std::mutex
      mutex;  // guards what follows; the atomics are also read without it, by spinning threads
  std::vector<std::thread> workers;
  std::condition_variable work_ready;
  std::condition_variable work_done;
  Loop* loops = nullptr;     // those whose callers have not seen the last piece taken
  std::atomic<int> open{0};  // workers that may still join one of them
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

  void start_workers(int count) {
    const std::lock_guard<std::mutex> lock(mutex);
    workers.reserve(static_cast<std::size_t>(count));
    while (started < count) {
      try {
        workers.emplace_back([this] { worker(); });
      } catch (const std::system_error& error) {
        throw Error(ErrorCode::system, "threads: this machine started " +
                                           std::to_string(started + 1) + " of " +
                                           std::to_string(count + 1) + " and no more (" +
                                           error.what() + "): take fewer");
      }
      ++started;
    }
  }

  void worker() {
    inside_loop = true;  // a loop within a loop runs on its own thread
    const auto news = [this] { return stop.load() || open.load() > 0; };
    while (true) {
      spin_until(news);
      std::unique_lock<std::mutex> lock(mutex);
      work_ready.wait(lock, news);
      if (stop) return;
      Loop* const joined = emptiest();
      --joined->open;
      --open;
      ++joined->helpers;
      lock.unlock();
      joined->work();
      lock.lock();
      if (--joined->helpers == 0) work_done.notify_all();
    }
  }

  /// Of the loops that a worker may join, the one with the fewest of them.
  Loop* emptiest() const {
    Loop* found = nullptr;
    for (Loop* loop = loops; loop != nullptr; loop = loop->later) {
      if (loop->open > 0 && (found == nullptr || loop->helpers < found->helpers)) found = loop;
    }
    return found;
  }

  void run(Loop& loop, int helpers) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      loop.open = helpers;
      open += helpers;
      loop.later = loops;
      loops = &loop;
    }
    if (helpers >= started) {
      work_ready.notify_all();
    } else {
      for (int i = 0; i < helpers; ++i) work_ready.notify_one();
    }
    inside_loop = true;
    loop.work();
    inside_loop = false;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      open -= loop.open;
      loop.open = 0;
      Loop** link = &loops;
      while (*link != &loop) link = &(*link)->later;
      *link = loop.later;
    }
    const auto finished = [&loop] { return loop.helpers.load() == 0; };
    spin_until(finished);
    std::unique_lock<std::mutex> lock(mutex);
    work_done.wait(lock, finished);
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  state_->size = counted(threads);
  grow(state_->size);
}

ThreadPool::~ThreadPool() {
  // In a forked child there is nothing to join, and a lock may be held by a thread that is not
  // here.
  if (state_ && state_->forked()) static_cast<void>(state_.release());
}

int ThreadPool::threads() const { return state_->size; }

void ThreadPool::grow(int threads) { state_->start_workers(threads - 1); }

void ThreadPool::parallel_for(int count, int grain, const std::function<void(int, int)>& body) {
  run(count, grain, body, state_->size);
}

void ThreadPool::run(int count, int grain, const std::function<void(int, int)>& body, int threads) {
  if (count <= 0) return;
  Loop loop(count, std::max(grain, 1), body);
  const int helpers = std::min({threads - 1, loop.pieces - 1, state_->started.load()});
  if (helpers < 1 || inside_loop || state_->forked()) return loop.run_alone();
  state_->run(loop, helpers);
  if (loop.error) std::rethrow_exception(loop.error);
}

ThreadPool& ThreadPool::global() {
  // Never destroyed: joining threads while a process or a Windows library unloads can hang. Without
  // a lock, which a thread that stayed behind at a fork might hold.
  static std::atomic<ThreadPool*> current{nullptr};
  ThreadPool* pool = current.load();
  while (pool == nullptr || pool->state_->forked()) {
    auto made = std::make_unique<ThreadPool>();
    if (current.compare_exchange_strong(pool, made.get())) return *made.release();
  }
  return *pool;
}

SharedExecutor::SharedExecutor(int threads) : threads_(threads) {
  if (threads_ > 1) ThreadPool::global().grow(threads_);
}

void SharedExecutor::parallel_for(int count, int grain, const std::function<void(int, int)>& body) {
  if (threads_ > 1) return ThreadPool::global().run(count, grain, body, threads_);
  if (count > 0) Loop(count, std::max(grain, 1), body).run_alone();
}

std::shared_ptr<Executor> shared_executor(int threads) {
  return std::make_shared<SharedExecutor>(counted(threads));
}

}  // namespace edgecv
