// Anchors of region proposal networks and RetinaNet.
//
//   const edgecv::GridAnchors anchors{{{32, 64}}, {{0.5f, 1, 2}}};  // one level, six boxes a cell
//   std::vector<float> xyxy = edgecv::generate_anchors(anchors, {{20, 20}}, {320, 320});
#pragma once

#include <cstddef>
#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

/// torchvision's AnchorGenerator: per level boxes of each size and ratio (height / width) around
/// (0, 0), rounded to whole pixels, at each cell of the feature map; cells row by row. The stride
/// of a level is the input's size divided by the feature map's, rounded down.
struct GridAnchors {
  std::vector<std::vector<float>> sizes;          // per level, pixels
  std::vector<std::vector<float>> aspect_ratios;  // per level, height / width

  int per_cell(std::size_t level) const {
    return static_cast<int>(sizes[level].size() * aspect_ratios[level].size());
  }
};

/// The boxes of one cell around (0, 0), xyxy in pixels, [per_cell, 4]: all sizes of the first
/// ratio, then of the second.
EDGECV_API std::vector<float> cell_anchors(const GridAnchors& spec, std::size_t level,
                                           std::vector<float> memory = {});

/// Pixels of the network's input from one cell of a feature map to the next. Throws Error
/// (invalid_input) unless both sizes are positive.
EDGECV_API Size grid_stride(Size feature, Size input);

/// xyxy in pixels of a network input of that size, all levels one after another, [A, 4]. Throws
/// Error (invalid_input) unless there is one list of sizes, one of ratios and one feature size for
/// each level, all positive.
EDGECV_API std::vector<float> generate_anchors(const GridAnchors& spec,
                                               const std::vector<Size>& feature_sizes, Size input);

}  // namespace edgecv
