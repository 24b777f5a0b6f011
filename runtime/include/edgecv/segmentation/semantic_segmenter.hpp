// Images in, the class of each pixel out.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("roads");
//   std::shared_ptr<edgecv::Engine> engine;  // of the graph main
//   edgecv::SemanticSegmenter segmenter(bundle, engine);
//   const edgecv::Segmentation result = segmenter(edgecv::Image{});
//   const int first_pixel = result.mask[0];
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/timing.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/load/model_info.hpp"
#include "edgecv/segmentation/segment.hpp"
#include "edgecv/segmentation/window_blend.hpp"
#include "edgecv/threads/setting.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

class EngineSets;
template <typename T>
struct Span;

/// Whole images, or windows of them; see SegmentSpec.
///
/// Any number of threads may call one object, run() and the setters alike: a call works with the
/// settings that it found when it began. A copy shares the engines and has settings of its own. An
/// object that was moved from may only be destroyed or assigned to.
class EDGECV_API SemanticSegmenter : public ModelInfo {
 public:
  /// The engine runs the bundle's `main` graph. Throws Error if its inputs and outputs do not fit
  /// the manifest, or the bundle is of another task. `threads`:
  /// see shared_executor().
  SemanticSegmenter(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads = 0)
      : SemanticSegmenter(bundle, std::move(engine), shared_executor(threads)) {}

  /// With the application's own executor for the loops around the network.
  SemanticSegmenter(const Bundle& bundle, std::shared_ptr<Engine> engine,
                    std::shared_ptr<Executor> executor);

  /// Other windows than the bundle's, or none. Throws Error (invalid_input) if they do not fit the
  /// input record or the network's input.
  void set_windows(const std::optional<CropWindows>& windows);
  std::optional<CropWindows> windows() const { return windows_.get(); }

  Segmentation operator()(const Image& image) {
    Segmentation result;
    (*this)(image, result);
    return result;
  }
  /// The same into a result that the caller keeps: once it has grown, a frame needs no memory. It
  /// is empty if the call throws.
  void operator()(const Image& image, Segmentation& result, bool probabilities = false);

  /// One result for each image. Whole: neighbours whose tensors have one size share a run of the
  /// network, `max_batch` of them or as near to it as the engine allows. Throws Error
  /// (invalid_input) if it is below 1. Windows: those of one image share runs. `probabilities`
  /// takes 4 * classes bytes a pixel. This call's time is added to `timing`.
  std::vector<Segmentation> run(const std::vector<Image>& images, bool probabilities = false,
                                int max_batch = 4, Timing* timing = nullptr);

  /// Of the call of run() that ended last, in whatever thread.
  Timing timing() const { return timing_.get(); }

 private:
  void run_all(Span<const Image> images, Segmentation* results, bool probabilities, int max_batch,
               Timing* timing);
  void run_whole(Engine& engine, Span<const Image> images, Segmentation* results,
                 bool probabilities, int max_batch, Timing& spent) const;
  Segmentation run_windows(Engine& engine, const Image& image, const CropWindows& windows,
                           bool probabilities, StripMemory& strip, Timing& spent,
                           Segmentation memory) const;
  ScoreFunction score_function() const;  // of the scores of all classes

  InputSpec input_;
  SegmentSpec spec_;
  int classes_;
  int columns_;  // scores of a pixel: 1, or one for each class
  std::shared_ptr<Executor> pool_;
  std::shared_ptr<EngineSets> engines_;
  std::shared_ptr<std::vector<StripMemory>> strips_;  // one for each set of engines
  std::size_t output_;
  Setting<std::optional<CropWindows>> windows_;
  Setting<Timing> timing_;
};

}  // namespace edgecv
