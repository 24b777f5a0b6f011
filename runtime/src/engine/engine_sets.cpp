#include "engine/engine_sets.hpp"

#include <algorithm>
#include <utility>

#include "edgecv/error.hpp"
#include "engine/checked_engine.hpp"
#include "threads/forks.hpp"
#include "threads/processors.hpp"

namespace edgecv {
namespace {

std::size_t most_sets(int threads) {
  const int processors = usable_processors();
  return static_cast<std::size_t>(processors < 2 ? 1 : std::max(2, processors / threads));
}

}  // namespace

EngineSets::EngineSets(Engines engines, int threads)
    : forks_at_start_(fork_count()), first_(std::move(engines)), sets_(most_sets(threads)) {
  for (std::shared_ptr<Engine>& engine : first_) {
    if (engine) engine = std::make_shared<CheckedEngine>(std::move(engine));
  }
  sets_[0] = first_;
  free_.reserve(sets_.size());  // give_back() never needs memory
  free_.push_back(0);
  for (std::size_t index = sets_.size(); --index > 0;) unmade_.push_back(index);
}

EngineSets::~EngineSets() {
  // In a forked child engines would wait for threads that are not here when they are closed.
  if (forks_at_start_ == fork_count()) return;
  new Engines(std::move(first_));
  new std::vector<Engines>(std::move(sets_));
}

std::size_t EngineSets::take() {
  if (forks_at_start_ != fork_count()) {
    throw Error(ErrorCode::engine,
                "this model was made before its process forked, and its engine's threads stayed "
                "behind: make it in the child process");
  }
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    news_.wait(lock, [this] { return !free_.empty() || !unmade_.empty(); });
    if (!free_.empty()) {
      const std::size_t index = free_.back();
      free_.pop_back();
      return index;
    }
    const std::size_t index = unmade_.back();
    unmade_.pop_back();
    // Without the lock: an engine in Python waits for the GIL.
    lock.unlock();
    Engines made;
    try {
      made = another();
    } catch (...) {
      lock.lock();
      unmade_.push_back(index);
      news_.notify_one();
      throw;
    }
    lock.lock();
    if (!made.empty()) {
      sets_[index] = std::move(made);
      return index;
    }
    unmade_.clear();  // the engines have one context each
  }
}

void EngineSets::give_back(std::size_t index) noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(index);
  }
  news_.notify_one();
}

std::shared_ptr<EngineSets> share_engines(EngineSets::Engines engines, const Executor& pool) {
  return std::make_shared<EngineSets>(std::move(engines), pool.threads());
}

/// A set beside the first one; empty where an engine has no further context.
EngineSets::Engines EngineSets::another() const {
  Engines made;
  for (const std::shared_ptr<Engine>& engine : first_) {
    made.push_back(engine ? engine->new_context() : nullptr);
    if (engine && !made.back()) return {};
  }
  return made;
}

}  // namespace edgecv
