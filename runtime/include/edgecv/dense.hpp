// RetinaNet (arXiv 1708.02002) and FCOS (arXiv 1904.01355): dense detectors with a feature pyramid.
#pragma once

#include <string>
#include <vector>

#include "edgecv/boxes.hpp"
#include "edgecv/detections.hpp"
#include "edgecv/grid_anchors.hpp"
#include "edgecv/preprocess.hpp"
#include "edgecv/thread_pool.hpp"

namespace edgecv {

struct DenseSpec {
  std::string logits_output;      // [B, A, classes], sigmoid
  std::string boxes_output;       // [B, A, 4]: deltas (RetinaNet), or distances to the sides (FCOS)
  std::string centerness_output;  // [B, A, 1], sigmoid; empty for RetinaNet. FCOS's score is
                                  // sqrt(sigmoid(logit) * sigmoid(centerness))
  bool distances = false;         // BoxLinearCoder, normalised by the anchor's size
  GridAnchors anchors;
  std::vector<int> strides;       // of the levels; feature sizes follow from the input's
  BoxCoder coder{1, 1, 1, 1};
  float score_threshold = 0.05f;
  double iou_threshold = 0.5;
  int topk_candidates = 1000;  // per level
  int max_detections = 300;
};

/// torchvision's RetinaNet.postprocess_detections / FCOS.postprocess_detections.
Detections dense_detections(const DenseSpec& spec, const float* logits, const float* boxes,
                            const float* centerness, const std::vector<Size>& feature_sizes,
                            int classes, const Geometry& geometry,
                            const std::vector<float>& thresholds, ThreadPool& pool);

}  // namespace edgecv
