// Images in, boxes and instance masks out, in two stages: regions are proposed, then classified.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("cells");
//   edgecv::TwoStageEngines engines;  // backbone, roi and mask: one for each graph
//   edgecv::TwoStageDetector detector(bundle, engines);
//   const edgecv::Instances found = detector(edgecv::Image{});
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/detection/rcnn.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/export.hpp"
#include "edgecv/load/model_info.hpp"
#include "edgecv/masks/masks.hpp"
#include "edgecv/threads/setting.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// Detections with the mask of each.
struct Instances {
  Detections detections;
  std::vector<MaskCrop> masks;  // [N]; empty where the bundle has no mask head
};

/// Wall time of a call, summed over its images, in milliseconds. A graph that gets no boxes
/// is not run and takes no time.
struct TwoStageTiming {
  double preprocess_ms = 0;
  union {
    double backbone_ms = 0;
    [[deprecated("backbone_ms")]] double trunk_ms;
  };
  double proposals_ms = 0;
  double roi_ms = 0;
  double mask_ms = 0;
  double postprocess_ms = 0;

  TwoStageTiming& operator+=(const TwoStageTiming& other) {
    preprocess_ms += other.preprocess_ms;
    backbone_ms += other.backbone_ms;
    proposals_ms += other.proposals_ms;
    roi_ms += other.roi_ms;
    mask_ms += other.mask_ms;
    postprocess_ms += other.postprocess_ms;
    return *this;
  }
};

/// The engines of the bundle's graphs; `mask` is null where the bundle has no such graph.
struct TwoStageEngines {
  std::shared_ptr<Engine> backbone;  // of the graph `trunk`
  std::shared_ptr<Engine> roi;
  std::shared_ptr<Engine> mask;
  // The old name of `backbone`, until 0.2. Without an attribute: compilers would warn of each copy.
  std::shared_ptr<Engine> trunk = nullptr;
};

class EngineSets;
template <typename T>
struct Span;
class RoiGraph;

/// The steps of torchvision's GeneralizedRCNN, around engines. Images are run one by one, so what
/// an image gives does not depend on its neighbours.
///
/// Any number of threads may call one object, run() and the setters alike: a call works with the
/// settings that it found when it began. A copy shares the engines and has settings of its own. An
/// object that was moved from may only be destroyed or assigned to.
class EDGECV_API TwoStageDetector : public ModelInfo {
 public:
  /// Throws Error if the engines' inputs and outputs do not fit the manifest. `threads`:
  /// see shared_executor().
  TwoStageDetector(const Bundle& bundle, TwoStageEngines engines, int threads = 0)
      : TwoStageDetector(bundle, std::move(engines), shared_executor(threads)) {}

  /// With the application's own executor for the loops around the network.
  TwoStageDetector(const Bundle& bundle, TwoStageEngines engines,
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

  Instances operator()(const Image& image) {
    Instances result;
    (*this)(image, result);
    return result;
  }
  /// The same into a result that the caller keeps: once it has grown, a frame needs no memory. It
  /// is empty if the call throws.
  void operator()(const Image& image, Instances& result);

  /// One result for each image. Throws Error (invalid_input) if the bundle has no proposal
  /// network: it takes proposals.
  std::vector<Instances> run(const std::vector<Image>& images);
  /// This call's time is added to `timing`.
  std::vector<Instances> run(const std::vector<Image>& images, TwoStageTiming& timing);

  /// Takes the caller's boxes in place of the proposal network's: for each image [R, 4], xyxy
  /// in pixels of the image. They are clipped to the image; those without area are dropped.
  /// Throws Error (invalid_input) on NaN and infinity and on another number of lists than images.
  std::vector<Instances> run(const std::vector<Image>& images,
                             const std::vector<std::vector<float>>& proposals,
                             TwoStageTiming* timing = nullptr);

  /// Of the call of run() that ended last, in whatever thread.
  TwoStageTiming timing() const { return timing_.get(); }

 private:
  class Call;
  struct Memory;
  void change_thresholds(const std::map<std::string, float>& by_name);
  void require_rpn() const;
  void run_all(Span<const Image> images, const std::vector<std::vector<float>>* proposals,
               Instances* results, TwoStageTiming* timing);

  InputSpec input_;
  RcnnSpec spec_;
  int classes_;
  std::vector<float> operating_;  // the bundle's thresholds, one for each label
  std::shared_ptr<Executor> pool_;
  std::shared_ptr<EngineSets> engines_;
  std::shared_ptr<const RoiGraph> roi_;
  std::shared_ptr<const RoiGraph> mask_;  // null without a mask head
  // Indices of the outputs: of the backbone by level, of the roi graph, of the mask graph.
  std::vector<std::size_t> objectness_, deltas_, features_;
  std::size_t logits_ = 0, box_deltas_ = 0;
  std::size_t masks_ = 0;
  std::shared_ptr<std::vector<Memory>> memory_;  // one for each set of engines
  Setting<std::shared_ptr<const std::vector<float>>> thresholds_;
  Setting<TwoStageTiming> timing_;
};

}  // namespace edgecv
