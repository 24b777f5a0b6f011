// Anchor boxes, generated from their parameters.
//
//   edgecv::DefaultBoxes boxes;  // torchvision's SSD with one level
//   boxes.feature_sizes = {{2, 2}};
//   boxes.aspect_ratios = {{2}};
//   boxes.scales = {0.2, 0.4};
//   std::vector<float> xyxy = edgecv::generate_anchors(boxes, {300, 300});  // [16, 4]
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

/// Anchors centred on each cell of a feature map: every scale with the first ratio, then the first
/// scale with the other ratios; n + m - 1 at each cell, cells row by row. A scale s and ratio r
/// make a box of s * sqrt(r) by s / sqrt(r) in units of the image's sides. With `image` the ratio
/// refers to pixels: width h * s * sqrt(r), height h * s / sqrt(r) for an image h pixels high.
/// Returns xyxy in 0..1 of the image, [h * w * (n + m - 1), 4].
EDGECV_API std::vector<float> multibox_prior(Size feature, const std::vector<float>& scales,
                                             const std::vector<float>& ratios,
                                             const Size* image = nullptr);

/// Parameters of multibox_prior for each level of a network.
struct MultiboxPrior {
  std::vector<Size> feature_sizes;
  std::vector<std::vector<float>> scales;
  std::vector<std::vector<float>> ratios;
  bool pixel_ratios = true;  // ratios refer to pixels of the network's input
};

/// torchvision's DefaultBoxGenerator (SSD, arXiv 1512.02325, section 2.2): per level the scales s_k
/// and sqrt(s_k s_k+1) as squares, then each ratio and its inverse at scale s_k.
struct DefaultBoxes {
  std::vector<Size> feature_sizes;
  std::vector<std::vector<float>> aspect_ratios;
  std::vector<double> scales;  // one more than levels
  std::vector<double> steps;   // pixels per cell; empty: the image divided by the feature size
  bool clip = true;            // widths and heights to at most the image's
};

/// Anchors stored in the bundle as an .npy file, float32 [A, 4].
struct AnchorFile {
  std::string file;
  std::string sha256;
  bool normalized = false;  // 0..1 of the network's input instead of pixels
};

using AnchorSpec = std::variant<DefaultBoxes, MultiboxPrior>;

/// xyxy in pixels of a network input of that size, [A, 4].
EDGECV_API std::vector<float> generate_anchors(const AnchorSpec& spec, Size input);

}  // namespace edgecv
