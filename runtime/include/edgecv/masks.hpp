// Instance masks: cut-outs that are painted only when somebody asks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "edgecv/image.hpp"
#include "edgecv/thread_pool.hpp"

namespace edgecv {

/// The part of a mask that lies in its (clipped) box; all else is background.
struct MaskCrop {
  int x = 0, y = 0;           // of the crop's corner in the picture
  int width = 0, height = 0;  // may be 0
  std::vector<std::uint8_t> pixels;  // [height, width], 0 or 1
};

/// torchvision's paste_masks_in_image followed by > threshold, but only inside each box.
/// `masks` [N, size, size] probabilities, `boxes` [N, 4] xyxy in pixels of the picture.
std::vector<MaskCrop> paste_masks(const float* masks, std::size_t count, int size,
                                  const float* boxes, Size picture, float threshold,
                                  ThreadPool& pool);

/// Paints crops into a zeroed frame each: frames [N, height, width], bytes 0 or 1.
void paint_masks(const std::vector<MaskCrop>& crops, Size picture, std::uint8_t* frames,
                 ThreadPool& pool);

/// COCO's run-length code of the whole frame (column-major runs, zeros first) and its compressed
/// string; equal to pycocotools'.
std::vector<std::uint32_t> run_lengths(const MaskCrop& crop, Size picture);
std::string compress_run_lengths(const std::vector<std::uint32_t>& runs);

/// Outer contours and holes of a crop as closed polygons in picture pixels (x, y pairs), outer
/// contours clockwise on the screen.
std::vector<std::vector<float>> polygons(const MaskCrop& crop);

}  // namespace edgecv
