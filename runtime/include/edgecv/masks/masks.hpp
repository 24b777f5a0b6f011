// Instance masks: crops that become whole frames only where somebody asks for them.
//
//   const edgecv::MaskCrop crop{2, 1, 2, 1, {1, 1}};  // two pixels
//   std::vector<std::uint8_t> frame(4 * 6);
//   edgecv::draw_mask(crop, {4, 6}, frame.data());
//   edgecv::compress_run_lengths(edgecv::run_lengths(crop, {4, 6}));  // COCO's string
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// The part of a mask that lies in its (clipped) box; all else is background.
struct MaskCrop {
  int x = 0, y = 0;                  // of the crop's upper left corner in the image
  int width = 0, height = 0;         // may be 0; the crop lies wholly in the image
  std::vector<std::uint8_t> pixels;  // [height, width], 0 or 1
};

/// torchvision's paste_masks_in_image followed by > threshold, the same pixels (but for values that
/// are the threshold to within rounding, on which builds of torch disagree), but only inside each
/// box.
/// `masks` [N, size, size] probabilities, `boxes` [N, 4] xyxy in pixels of the image. A box that
/// misses the image gives an empty crop. `crops`: old ones, whose memory is used again. Throws
/// Error (invalid_input) for a box that is not finite.
EDGECV_API std::vector<MaskCrop> paste_masks(const float* masks, std::size_t count, int size,
                                             const float* boxes, Size image, float threshold,
                                             Executor& pool, std::vector<MaskCrop> crops = {});

/// Sets the crop's foreground to 1 in `frame` [height, width], which holds 0 elsewhere.
EDGECV_API void draw_mask(const MaskCrop& crop, Size image, std::uint8_t* frame);

[[deprecated("draw_mask")]] inline void paint_mask(const MaskCrop& crop, Size image,
                                                   std::uint8_t* frame) {
  draw_mask(crop, image, frame);
}

/// The smallest crop that holds all of a frame's foreground. `frame` [height, width], 0 or 1.
EDGECV_API MaskCrop crop_mask(const std::uint8_t* frame, Size image);

/// COCO's run-length code of the whole frame: lengths of the runs of equal pixels, column by
/// column, background first. Equal to pycocotools'.
EDGECV_API std::vector<std::uint32_t> run_lengths(const MaskCrop& crop, Size image);

/// COCO's compressed string of run lengths.
EDGECV_API std::string compress_run_lengths(const std::vector<std::uint32_t>& runs);

/// The boundary of a crop as closed polygons (x, y pairs) along the edges of its pixels, in pixels
/// of the image: the pixel in column x covers x to x + 1. Outer contours run clockwise on the
/// screen, holes the other way; pixels that touch only at a corner are apart. Filled by the
/// even-odd rule they give the mask back.
EDGECV_API std::vector<std::vector<float>> polygons(const MaskCrop& crop);

}  // namespace edgecv
