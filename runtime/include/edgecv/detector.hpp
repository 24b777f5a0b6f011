// Pictures in, boxes out.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "edgecv/bundle.hpp"
#include "edgecv/detections.hpp"
#include "edgecv/engine.hpp"
#include "edgecv/thread_pool.hpp"
#include "edgecv/timing.hpp"

namespace edgecv {

class OneStage;
struct PictureBatch;

/// A detector of one stage: SSD and its kin, RetinaNet, FCOS.
class Detector {
 public:
  /// The engine runs the bundle's `main` graph. Throws Error if its inputs and outputs do not fit
  /// the manifest. `threads` as ThreadPool has them.
  Detector(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads = 0);
  ~Detector();

  /// Only what scores above these is reported: one for each label; empty: the bundle's operating
  /// thresholds (see operating_thresholds()), which also hold until this is called.
  void set_thresholds(std::vector<float> thresholds);

  Detections operator()(const Image& image) { return run({image}).front(); }

  /// One result for each picture. Neighbours whose tensors have one size share a run of the
  /// network, `max_batch` of them or as near to it as the engine allows.
  std::vector<Detections> run(const std::vector<Image>& images, int max_batch = 16);

  /// Of the last call of run().
  const Timing& timing() const { return timing_; }

 private:
  void read_batch(const PictureBatch& batch, std::vector<Detections>& results);

  InputSpec input_;
  int classes_;
  std::vector<float> operating_;  // the bundle's thresholds, one for each label
  std::vector<float> thresholds_;
  std::unique_ptr<OneStage> method_;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<std::size_t> outputs_;  // of the engine, in the order of the method's
  Timing timing_;
};

}  // namespace edgecv
