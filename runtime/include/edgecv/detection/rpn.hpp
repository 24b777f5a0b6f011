// Region proposals from the outputs of a region proposal network (Faster R-CNN, arXiv 1506.01497).
//
//   edgecv::RpnSpec spec;
//   spec.objectness_outputs = {"objectness"};
//   spec.deltas_outputs = {"deltas"};
//   spec.anchors = {{{32}}, {{1}}};
//   const std::vector<float> objectness(4), deltas(16);
//   const edgecv::RpnLevel level{objectness.data(), deltas.data(), {2, 2}};
//   edgecv::propose(spec, {level}, {64, 64}, {64, 64}, edgecv::ThreadPool::global());
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "edgecv/boxes/boxes.hpp"
#include "edgecv/boxes/grid_anchors.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

struct RpnSpec {
  std::vector<std::string> objectness_outputs;  // per level, [B, anchors per cell, h, w], logits
  std::vector<std::string> deltas_outputs;      // per level, [B, 4 * anchors per cell, h, w]
  GridAnchors anchors;
  BoxCoder coder{1, 1, 1, 1};
  int pre_nms_top_n = 1000;    // per level
  int post_nms_top_n = 1000;   // of all levels
  double nms_threshold = 0.7;  // within a level
  float score_threshold = 0;   // on sigmoid(objectness)
  float min_size = 1e-3f;      // pixels of the network's input; smaller boxes are dropped
};

/// One level's outputs for one image, as the network lays them out.
struct RpnLevel {
  const float* objectness;  // [anchors per cell, h, w]
  const float* deltas;      // [4 * anchors per cell, h, w]: per anchor dx, dy, dw, dh planes
  Size feature;             // h, w
};

struct Proposals {
  std::vector<float> boxes;   // [R, 4] xyxy in pixels of the network's input, by falling score
  std::vector<float> scores;  // [R] 0..1
};

/// torchvision's RegionProposalNetwork.filter_proposals. `image` is the resized image's size
/// inside the (padded) input of size `input`. Equal scores: the finer level first, then the anchor
/// that comes first. Throws Error (engine) on NaN and infinity in the logits, and in the deltas of
/// the anchors that are decoded.
EDGECV_API Proposals propose(const RpnSpec& spec, const std::vector<RpnLevel>& levels, Size image,
                             Size input, Executor& pool, Proposals proposals = {});

}  // namespace edgecv
