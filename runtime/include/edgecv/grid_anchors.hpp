// Anchors of region proposal networks and RetinaNet.
#pragma once

#include <vector>

#include "edgecv/image.hpp"

namespace edgecv {

/// torchvision's AnchorGenerator: per level boxes of each size and ratio (height / width) around
/// (0, 0), rounded to whole pixels, at each cell of the feature map; cells row by row. The stride of
/// a level is the input's size divided by the feature map's, rounded down.
struct GridAnchors {
  std::vector<std::vector<float>> sizes;          // per level, pixels
  std::vector<std::vector<float>> aspect_ratios;  // per level, height / width

  int per_cell(std::size_t level) const {
    return static_cast<int>(sizes[level].size() * aspect_ratios[level].size());
  }
};

/// xyxy in pixels of a network input of that size, all levels one after another, [A, 4].
std::vector<float> generate_anchors(const GridAnchors& spec, const std::vector<Size>& feature_sizes,
                                    Size input);

}  // namespace edgecv
