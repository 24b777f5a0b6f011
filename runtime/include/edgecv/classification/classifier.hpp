// Images in, the best classes out.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("animals");
//   std::shared_ptr<edgecv::Engine> engine;  // of the graph main
//   edgecv::Classifier classifier(bundle, engine);
//   const edgecv::Classification result = classifier(edgecv::Image{});
//   const std::string& best = bundle.manifest().labels[result.labels[0]];
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/classification/classify.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/timing.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/load/model_info.hpp"
#include "edgecv/threads/setting.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

class EngineSets;
template <typename T>
struct Span;

/// A classifier.
///
/// Any number of threads may call one object, run() and the setters alike: a call works with the
/// settings that it found when it began. A copy shares the engines and has settings of its own. An
/// object that was moved from may only be destroyed or assigned to.
class EDGECV_API Classifier : public ModelInfo {
 public:
  /// The engine runs the bundle's `main` graph. Throws Error if its inputs and outputs do not fit
  /// the manifest, or the bundle is of another task. `threads`:
  /// see shared_executor().
  Classifier(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads = 0)
      : Classifier(bundle, std::move(engine), shared_executor(threads)) {}

  /// With the application's own executor for the loops around the network.
  Classifier(const Bundle& bundle, std::shared_ptr<Engine> engine,
             std::shared_ptr<Executor> executor);

  Classification operator()(const Image& image) {
    Classification result;
    (*this)(image, result);
    return result;
  }
  /// The same into a result that the caller keeps: once it has grown, a frame needs no memory. It
  /// is empty if the call throws.
  void operator()(const Image& image, Classification& result);

  /// One result for each image. Neighbours whose tensors have one size share a run of the
  /// network, `max_batch` of them or as near to it as the engine allows. Throws Error
  /// (invalid_input) if it is below 1. This call's time is added to `timing`.
  std::vector<Classification> run(const std::vector<Image>& images, int max_batch = 16,
                                  Timing* timing = nullptr);

  /// Of the call of run() that ended last, in whatever thread.
  Timing timing() const { return timing_.get(); }

 private:
  void run_all(Span<const Image> images, Classification* results, int max_batch, Timing* timing);

  InputSpec input_;
  ClassifySpec spec_, pairs_spec_;  // of scores as the graph gives them, and in pairs
  int classes_;
  int columns_;  // scores of an image: 1, or one for each class
  std::shared_ptr<Executor> pool_;
  std::shared_ptr<EngineSets> engines_;
  std::size_t output_;
  Setting<Timing> timing_;
};

}  // namespace edgecv
