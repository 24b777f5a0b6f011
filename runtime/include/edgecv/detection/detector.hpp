// Images in, boxes out: detectors of one stage.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");
//   std::shared_ptr<edgecv::Engine> engine;  // of the graph main
//   edgecv::Detector detector(bundle, engine);
//   const edgecv::Detections found = detector(edgecv::Image{});
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/timing.hpp"
#include "edgecv/export.hpp"
#include "edgecv/load/model_info.hpp"
#include "edgecv/threads/setting.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

class EngineSets;
class OneStage;
template <typename T>
struct Span;

/// A detector of one stage: SSD and its kin, RetinaNet, FCOS.
///
/// Any number of threads may call one object, run() and the setters alike: a call works with the
/// settings that it found when it began. A copy shares the engines and has settings of its own. An
/// object that was moved from may only be destroyed or assigned to.
class EDGECV_API Detector : public ModelInfo {
 public:
  /// The engine runs the bundle's `main` graph. Throws Error if its inputs and outputs do not fit
  /// the manifest. `threads`:
  /// see shared_executor().
  Detector(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads = 0)
      : Detector(bundle, std::move(engine), shared_executor(threads)) {}

  /// With the application's own executor for the loops around the network.
  Detector(const Bundle& bundle, std::shared_ptr<Engine> engine,
           std::shared_ptr<Executor> executor);

  /// Only what scores above these is reported: one for each label; empty: the bundle's operating
  /// thresholds (see operating_thresholds()), which also hold until this is called.
  void set_thresholds(std::vector<float> thresholds);
  /// The same for some labels by name, {{"person", 0.6f}}; the others stay as they are. Throws
  /// Error (invalid_input) for a name that the bundle does not have.
  void set_thresholds(std::initializer_list<std::pair<const std::string, float>> by_name);
  template <class Names,
            std::enable_if_t<std::is_same_v<Names, std::map<std::string, float>>, int> = 0>
  void set_thresholds(const Names& by_name) {  // a template, so that {0.5f, 0.6f} is no map
    change_thresholds(by_name);
  }

  Detections operator()(const Image& image) {
    Detections result;
    (*this)(image, result);
    return result;
  }
  /// The same into a result that the caller keeps: once it has grown, a frame needs no memory. It
  /// is empty if the call throws.
  void operator()(const Image& image, Detections& result);

  /// One result for each image. Neighbours whose tensors have one size share a run of the
  /// network, `max_batch` of them or as near to it as the engine allows. Throws Error
  /// (invalid_input) if it is below 1. This call's time is added to `timing`.
  std::vector<Detections> run(const std::vector<Image>& images, int max_batch = 16,
                              Timing* timing = nullptr);

  /// Of the call of run() that ended last, in whatever thread.
  Timing timing() const { return timing_.get(); }

 private:
  void change_thresholds(const std::map<std::string, float>& by_name);
  void run_all(Span<const Image> images, Detections* results, int max_batch, Timing* timing);

  InputSpec input_;
  int classes_;
  std::vector<float> operating_;  // the bundle's thresholds, one for each label
  std::shared_ptr<const OneStage> method_;
  std::shared_ptr<Executor> pool_;
  std::shared_ptr<EngineSets> engines_;
  std::vector<std::size_t> outputs_;   // of the engine, in the order of the method's
  std::vector<std::int64_t> columns_;  // of each
  Setting<std::shared_ptr<const std::vector<float>>> thresholds_;
  Setting<Timing> timing_;
};

}  // namespace edgecv
