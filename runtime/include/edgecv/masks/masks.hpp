// Instance masks: cut-outs that are painted only when somebody asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "edgecv/image/image.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// The part of a mask that lies in its (clipped) box; all else is background.
struct MaskCrop {
  int x = 0, y = 0;                  // of the crop's upper left corner in the picture
  int width = 0, height = 0;         // may be 0; the crop lies wholly in the picture
  std::vector<std::uint8_t> pixels;  // [height, width], 0 or 1
};

/// torchvision's paste_masks_in_image followed by > threshold, the same pixels (but for values that
/// are the threshold to within rounding, on which builds of torch disagree), but only inside each
/// box.
/// `masks` [N, size, size] probabilities, `boxes` [N, 4] xyxy in pixels of the picture. A box that
/// misses the picture gives an empty crop. Throws Error (invalid_input) for a box that is not
/// finite.
std::vector<MaskCrop> paste_masks(const float* masks, std::size_t count, int size,
                                  const float* boxes, Size picture, float threshold,
                                  ThreadPool& pool);

/// Sets the crop's foreground to 1 in `frame` [height, width], which holds 0 elsewhere.
void paint_mask(const MaskCrop& crop, Size picture, std::uint8_t* frame);

/// The smallest crop that holds all of a frame's foreground. `frame` [height, width], 0 or 1.
MaskCrop crop_mask(const std::uint8_t* frame, Size picture);

/// COCO's run-length code of the whole frame: lengths of the runs of equal pixels, column by
/// column, background first. Equal to pycocotools'.
std::vector<std::uint32_t> run_lengths(const MaskCrop& crop, Size picture);

/// COCO's compressed string of run lengths.
std::string compress_run_lengths(const std::vector<std::uint32_t>& runs);

/// The boundary of a crop as closed polygons (x, y pairs) along the edges of its pixels, in pixels
/// of the picture: the pixel in column x covers x to x + 1. Outer contours run clockwise on the
/// screen, holes the other way; pixels that touch only at a corner are apart. Filled by the
/// even-odd rule they give the mask back.
std::vector<std::vector<float>> polygons(const MaskCrop& crop);

}  // namespace edgecv
