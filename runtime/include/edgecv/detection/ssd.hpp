// From the raw outputs of a one-stage detector with softmax, sigmoid or finished scores over fixed
// anchors (SSD and its relatives) to detections.
//
//   const edgecv::SsdPostprocess postprocess({}, {0, 0, 100, 100}, 1);  // one anchor, one class
//   const float scores[] = {-2, 2}, deltas[] = {0, 0, 0, 0};            // background, class
//   const edgecv::Geometry geometry{{100, 100}, {100, 100}, {100, 100}};
//   postprocess(scores, deltas, 1, geometry, {}, edgecv::ThreadPool::global());  // the anchor
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edgecv/boxes/anchors.hpp"
#include "edgecv/boxes/boxes.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/engine/tensor.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/scores/score_function.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

enum class Background {
  first,
  last,
  none
};  // where the background column stands among the classes

/// The outputs' meaning, as the manifest records it.
struct SsdSpec {
  std::string scores_output;  // [B, A, classes (+ 1 with a background)]
  ScoreFunction score_function = ScoreFunction::softmax;
  Background background = Background::first;

  std::string boxes_output;      // [B, A, 4]
  bool boxes_are_deltas = true;  // else finished boxes in `box_format`
  BoxFormat box_format = BoxFormat::xyxy;
  bool boxes_normalized = false;  // finished boxes in 0..1 instead of pixels of the network's input
  BoxCoder coder;

  std::variant<std::monostate, DefaultBoxes, MultiboxPrior, AnchorFile> anchors;

  float score_threshold = 0.01f;  // scores must be above it
  double iou_threshold = 0.45;
  int topk_candidates = 400;  // per class, before the suppression
  int max_detections = 200;
};

/// Turns the outputs for one image into detections: threshold, top-k per class, decode, clip to
/// the image, suppression per class, the best max_detections. The results are torchvision's
/// SSD.postprocess_detections', except that boxes of which clipping leaves nothing (in the padding
/// of a letterbox, say) and boxes inside out are dropped before the limit counts.
class EDGECV_API SsdPostprocess {
 public:
  /// `anchors`: xyxy in pixels of the network's input, [A, 4]; empty for finished boxes.
  SsdPostprocess(SsdSpec spec, std::vector<float> anchors, int classes);

  const SsdSpec& spec() const { return spec_; }
  int classes() const { return classes_; }
  /// -1 where the boxes come finished.
  std::int64_t anchor_count() const {
    return anchors_.empty() ? -1 : static_cast<std::int64_t>(anchors_.size() / 4);
  }

  /// `scores` [A, columns] and `boxes` [A, 4], float32, of one image. `thresholds`: one for each
  /// class, or empty for the bundle's. `kept`: an old result, whose memory is used again. Throws
  /// Error (engine) on NaN and infinity.
  Detections operator()(const float* scores, const float* boxes, std::size_t anchor_count,
                        const Geometry& geometry, const std::vector<float>& thresholds,
                        Executor& pool, Detections kept = {}) const;

 private:
  void box_of(const float* boxes, std::size_t anchor, const Geometry& geometry, float* xyxy) const;

  SsdSpec spec_;
  std::vector<float> anchors_;
  int classes_;
};

}  // namespace edgecv
