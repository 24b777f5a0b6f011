// What is done with the logits of a network that gives each pixel its class.
//
//   edgecv::SegmentSpec spec;
//   spec.windows = edgecv::CropWindows{{512, 512}, 0.5, edgecv::WindowWeight::gaussian};
//   edgecv::check(*spec.windows);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/scores/score_function.hpp"
#include "edgecv/segmentation/window_weight.hpp"

namespace edgecv {

/// Crops that the network sees one by one, placed as sliding_windows() places them. Their logits
/// are averaged, weighted, where they overlap.
struct CropWindows {
  Size size;  // what the network takes
  double overlap = 0.25;
  WindowWeight weight = WindowWeight::uniform;
  int batch = 4;  // crops that share a run of the network; the result does not depend on it
};

/// Throws Error (invalid_input) naming the field: a side outside 1..max_side, an overlap outside 0
/// to below 1, a batch outside 1..4096.
EDGECV_API void(check)(const CropWindows& windows);  // in brackets: Apple has a macro check()

struct SegmentSpec {
  // [B, classes, h, w], float32, at any stride; or [B, 1, h, w] for two labels, as ClassifySpec has
  // it. Where windows overlap, logits are averaged before the score function; probabilities of a
  // network that gives them (function none) as they are.
  std::string scores_output;
  ScoreFunction score_function = ScoreFunction::softmax;
  std::optional<CropWindows> windows;  // nothing: the image goes through the network whole
};

/// The class of each pixel of an image.
struct Segmentation {
  Size size;
  std::vector<std::uint8_t> mask;        // [H, W], up to 256 classes; else empty
  std::vector<std::uint16_t> wide_mask;  // [H, W], above 256 classes; else empty
  std::vector<float> probabilities;      // [classes, H, W] where they were asked for
};

}  // namespace edgecv
