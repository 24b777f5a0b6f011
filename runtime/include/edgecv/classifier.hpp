// Pictures in, the best classes out.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "edgecv/bundle.hpp"
#include "edgecv/classify.hpp"
#include "edgecv/engine.hpp"
#include "edgecv/image.hpp"
#include "edgecv/thread_pool.hpp"
#include "edgecv/timing.hpp"

namespace edgecv {

class Classifier {
 public:
  /// The engine runs the bundle's `main` graph. Throws Error if its inputs and outputs do not fit
  /// the manifest, or the bundle is of another task. `threads` as ThreadPool has them.
  Classifier(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads = 0);

  Classification operator()(const Image& image) { return run({image}).front(); }

  /// One result for each picture. Neighbours whose tensors have one size share a run of the
  /// network, `max_batch` of them or as near to it as the engine allows.
  std::vector<Classification> run(const std::vector<Image>& images, int max_batch = 16);

  /// Of the last call of run().
  const Timing& timing() const { return timing_; }

 private:
  InputSpec input_;
  ClassifySpec spec_;
  int classes_;
  int columns_;  // scores of a picture: 1, or one for each class
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<ThreadPool> pool_;
  std::size_t output_;
  Timing timing_;
};

}  // namespace edgecv
