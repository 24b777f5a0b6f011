// What the outputs of a two-stage detector mean, as the manifest records it: Fast R-CNN (arXiv
// 1504.08083), Faster R-CNN (arXiv 1506.01497), Mask R-CNN (arXiv 1703.06870).
//
//   edgecv::RcnnSpec spec;
//   spec.box_head.logits_output = "logits";
//   spec.mask = edgecv::MaskHeadSpec{"masks"};  // Mask R-CNN
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edgecv/detection/box_head.hpp"
#include "edgecv/detection/rpn.hpp"

namespace edgecv {

struct MaskHeadSpec {
  std::string output;      // [R, 1, M, M], probabilities of the box's own class
  float threshold = 0.5f;  // pixels of the pasted mask must be above it
};

/// Graphs: `trunk` (image to feature maps and the proposal network's outputs), `roi` (feature
/// maps and boxes to class logits and box deltas), `mask` (feature maps, boxes and labels to
/// masks).
struct RcnnSpec {
  std::optional<RpnSpec> rpn;         // nothing: the caller gives the proposals (Fast R-CNN)
  std::vector<std::string> features;  // outputs of `trunk` that `roi` and `mask` take, finest first
  LevelSpec levels;                   // of these feature maps
  BoxHeadSpec box_head;
  std::optional<MaskHeadSpec> mask;  // nothing: boxes only
};

}  // namespace edgecv
