// From the second stage's outputs to detections, and the pyramid level of each box.
//
//   const float boxes[] = {0, 0, 224, 224, 0, 0, 30, 30};
//   const edgecv::LevelSpec levels{{0.25f, 0.125f, 0.0625f}};
//   edgecv::assign_levels(levels, boxes, 2);  // {2, 0}
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "edgecv/boxes/boxes.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

struct BoxHeadSpec {
  std::string logits_output;  // [R, classes + 1], background first
  std::string deltas_output;  // [R, 4 * (classes + 1)]
  BoxCoder coder{10, 10, 5, 5};
  float score_threshold = 0.05f;  // scores must be above it
  double iou_threshold = 0.5;
  int max_detections = 100;
  float min_size = 1e-2f;  // pixels of the network's input
};

/// torchvision's RoIHeads.postprocess_detections. `proposals` [R, 4] in pixels of the network's
/// input. Boxes come in pixels of the network's input (resized image, clipped to it): masks are
/// cut from them; boxes_to_image() scales them. Boxes without area are dropped whatever min_size
/// is. `thresholds`: one for each class, or empty for the bundle's. Equal scores: by proposal, then
/// class. `kept`: an old result, whose memory is used again. Throws Error (engine) on NaN and
/// infinity in the logits, and in the deltas of the boxes that are decoded.
EDGECV_API Detections box_head_detections(const BoxHeadSpec& spec, const float* logits,
                                          const float* deltas, const float* proposals,
                                          std::size_t count, int classes, const Geometry& geometry,
                                          const std::vector<float>& thresholds, Executor& pool,
                                          Detections kept = {});

/// Boxes from pixels of the network's input to pixels of the image.
EDGECV_API void boxes_to_image(const Geometry& geometry, std::vector<float>& boxes);

[[deprecated("boxes_to_image")]] inline void to_picture(const Geometry& geometry,
                                                        std::vector<float>& boxes) {
  boxes_to_image(geometry, boxes);
}

/// The pyramid level of each box (FPN, arXiv 1612.03144, equation 1):
/// floor(canonical_level + log2(sqrt(area) / canonical_scale) + 1e-6), clamped to the levels there
/// are. Of levels with one scale the first is taken.
struct LevelSpec {
  std::vector<float> scales;  // of the levels, finest first: 0.25, 0.125, ... (powers of two)
  float canonical_scale = 224;
  int canonical_level = 4;
};

/// result[i] in 0 .. levels - 1; boxes without area go to the finest.
EDGECV_API std::vector<std::int32_t> assign_levels(const LevelSpec& spec, const float* boxes,
                                                   std::size_t count);
/// The same into `levels` [count].
EDGECV_API void assign_levels(const LevelSpec& spec, const float* boxes, std::size_t count,
                              std::int32_t* levels);

}  // namespace edgecv
