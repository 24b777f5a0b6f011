// Pictures in, boxes out.
#pragma once

#include <memory>
#include <vector>

#include "edgecv/bundle.hpp"
#include "edgecv/detections.hpp"
#include "edgecv/engine.hpp"
#include "edgecv/ssd.hpp"
#include "edgecv/thread_pool.hpp"

namespace edgecv {

class Detector {
 public:
  /// The engine runs the bundle's `main` graph. Throws Error if its inputs and outputs do not fit
  /// the manifest. `threads` as ThreadPool has them.
  Detector(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads = 0);

  /// Score thresholds, one for each class; empty: the bundle's one threshold for all.
  std::vector<float> thresholds;

  Detections operator()(const Image& image) { return run({image}).front(); }

  /// One result for each picture, each the same as alone. Pictures share a run of the network as far
  /// as the graph's batch axis and their sizes allow.
  std::vector<Detections> run(const std::vector<Image>& images);

 private:
  InputSpec input_;
  SsdPostprocess postprocess_;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<ThreadPool> pool_;
  std::size_t scores_index_ = 0;
  std::size_t boxes_index_ = 0;
};

}  // namespace edgecv
