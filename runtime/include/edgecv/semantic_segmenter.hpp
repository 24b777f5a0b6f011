// Pictures in, the class of each pixel out.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "edgecv/bundle.hpp"
#include "edgecv/engine.hpp"
#include "edgecv/image.hpp"
#include "edgecv/segment.hpp"
#include "edgecv/thread_pool.hpp"
#include "edgecv/timing.hpp"
#include "edgecv/window_blend.hpp"

namespace edgecv {

/// Whole pictures, or windows of them; see SegmentSpec.
class SemanticSegmenter {
 public:
  /// The engine runs the bundle's `main` graph. Throws Error if its inputs and outputs do not fit
  /// the manifest, or the bundle is of another task. `threads` as ThreadPool has them.
  SemanticSegmenter(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads = 0);

  /// Other windows than the bundle's, or none. Throws Error (invalid_input) if they do not fit the
  /// input record or the network's input.
  void set_windows(const std::optional<CropWindows>& windows);
  const std::optional<CropWindows>& windows() const { return spec_.windows; }

  Segmentation operator()(const Image& image) { return run({image}).front(); }

  /// One result for each picture. Whole: neighbours whose tensors have one size share a run of the
  /// network, `max_batch` of them or as near to it as the engine allows.
  /// Windows: those of one picture share runs. `probabilities` takes 4 * classes bytes a pixel.
  std::vector<Segmentation> run(const std::vector<Image>& images, bool probabilities = false,
                                int max_batch = 4);

  /// Of the last call of run().
  const Timing& timing() const { return timing_; }

 private:
  std::vector<Segmentation> run_whole(const std::vector<Image>& images, bool probabilities,
                                      int max_batch);
  Segmentation run_windows(const Image& image, bool probabilities);
  ScoreFunction score_function() const;  // of the scores of all classes

  InputSpec input_;
  SegmentSpec spec_;
  int classes_;
  int columns_;  // scores of a pixel: 1, or one for each class
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<ThreadPool> pool_;
  std::size_t output_;
  StripMemory strip_;
  Timing timing_;
};

}  // namespace edgecv
