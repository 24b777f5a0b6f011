// The engines of a pipeline, and whose turn it is to use them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "edgecv/engine/engine.hpp"
#include "edgecv/threads/executor.hpp"

namespace edgecv {

/// A set holds an engine for each role, and serves one call at a time. Calls from several threads
/// get sets of their own while the engines have further contexts; a call beyond that waits.
class EngineSets {
 public:
  using Engines = std::vector<std::shared_ptr<Engine>>;

  /// `engines`: one for each role, null where there is none. `threads`: of a call. With few of them
  /// there are as many sets as the processors bear, else two: one call's network runs while another
  /// call prepares its images.
  EngineSets(Engines engines, int threads);
  ~EngineSets();

  /// Of the first set; only for what an engine says about itself.
  const Engine& about(std::size_t role) const { return *first_[role]; }

  /// A set, for as long as this lives.
  class Turn {
   public:
    explicit Turn(EngineSets& sets) : sets_(sets), index_(sets.take()) {}
    ~Turn() { sets_.give_back(index_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    Engine& engine(std::size_t role) const { return *sets_.at(index_)[role]; }
    /// Which set it is, below most().
    std::size_t index() const { return index_; }

   private:
    EngineSets& sets_;
    std::size_t index_;
  };

  std::size_t most() const { return sets_.size(); }

 private:
  std::size_t take();
  void give_back(std::size_t index) noexcept;
  const Engines& at(std::size_t index) const { return sets_[index]; }
  Engines another() const;

  int forks_at_start_;
  Engines first_;
  std::vector<Engines> sets_;  // those from made_ on are empty; each is written by who makes it
  std::mutex mutex_;           // guards what follows
  std::condition_variable news_;
  std::vector<std::size_t> free_;    // sets that nobody uses; the last used one comes last
  std::vector<std::size_t> unmade_;  // sets that may still be made
};

/// For calls whose own loops run on `pool`.
std::shared_ptr<EngineSets> share_engines(EngineSets::Engines engines, const Executor& pool);

}  // namespace edgecv
