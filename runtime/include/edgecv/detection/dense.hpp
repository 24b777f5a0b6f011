// RetinaNet (arXiv 1708.02002) and FCOS (arXiv 1904.01355): dense detectors over a feature pyramid.
//
//   edgecv::DenseSpec spec;
//   spec.anchors = {{{16}}, {{1}}};
//   spec.strides = {8};
//   edgecv::anchor_count(spec, {64, 64});  // 64
//   const edgecv::DensePostprocess postprocess(spec, 2);
//   const std::vector<float> logits(64 * 2, -9.f), deltas(64 * 4);
//   const edgecv::Geometry geometry{{64, 64}, {64, 64}, {64, 64}};
//   postprocess(logits.data(), deltas.data(), nullptr, geometry, {}, edgecv::ThreadPool::global());
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "edgecv/boxes/boxes.hpp"
#include "edgecv/boxes/grid_anchors.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// The outputs' meaning, as the manifest records it. Anchors run level by level, row by row, cell
/// by cell; their number A follows from the size of each image's tensor.
struct DenseSpec {
  bool distances = false;         // FCOS: boxes are distances from the anchor's centre to the left,
                                  // top, right and bottom side, in units of the anchor's sides
  std::string logits_output;      // [B, A, classes]
  std::string boxes_output;       // [B, A, 4]: deltas, or distances
  std::string centerness_output;  // FCOS: [B, A, 1], logits; a score is
                                  // sqrt(sigmoid(logit) * sigmoid(centerness))
  GridAnchors anchors;
  std::vector<int> strides;  // of the levels: a feature map has a cell for each `stride` pixels of
                             // the tensor, the last one begun counts
  BoxCoder coder{1, 1, 1, 1};     // of deltas
  float score_threshold = 0.05f;  // scores must be above it
  double iou_threshold = 0.5;
  int topk_candidates = 1000;  // (anchor, class) pairs of a level, before the suppression
  int max_detections = 300;
};

/// Cells of each level for a tensor of that size.
EDGECV_API std::vector<Size> feature_sizes(const DenseSpec& spec, Size tensor);

/// Anchors of all levels for a tensor of that size.
EDGECV_API std::int64_t anchor_count(const DenseSpec& spec, Size tensor);

/// Turns the outputs for one image into detections, as torchvision's
/// RetinaNet.postprocess_detections and FCOS.postprocess_detections do: per level threshold, top-k
/// over anchors and classes, decode, clip; then suppression per class and the best max_detections.
/// Unlike theirs, boxes of which clipping leaves nothing and boxes inside out are dropped
/// before the limit counts.
class EDGECV_API DensePostprocess {
 public:
  DensePostprocess(DenseSpec spec, int classes);

  const DenseSpec& spec() const { return spec_; }
  int classes() const { return classes_; }

  /// `logits` [A, classes], `boxes` [A, 4] and, for FCOS, `centerness` [A], float32, of one image
  /// whose tensor has geometry.tensor's size. `thresholds`: one for each class, or empty for the
  /// bundle's. `kept`: an old result, whose memory is used again. Throws Error (engine) on NaN and
  /// infinity.
  Detections operator()(const float* logits, const float* boxes, const float* centerness,
                        const Geometry& geometry, const std::vector<float>& thresholds,
                        Executor& pool, Detections kept = {}) const;

 private:
  DenseSpec spec_;
  int classes_;
  std::vector<std::vector<float>> cell_anchors_;  // per level, of the cell at (0, 0), xyxy
};

}  // namespace edgecv
