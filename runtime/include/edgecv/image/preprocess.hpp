// From picture to network input in one pass.
#pragma once

#include "edgecv/image/image.hpp"
#include "edgecv/image/input_spec.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// Where the picture lands in the tensor. A tensor coordinate (x, y) in pixels lies at
/// ((x - offset_x) * scale_x, (y - offset_y) * scale_y) in the picture.
struct Geometry {
  Size image;        // of the picture
  Size resized;      // after the resize
  Size tensor;       // height and width of the tensor
  int offset_x = 0;  // of the resized picture's corner in the tensor: > 0 padding, < 0 crop
  int offset_y = 0;

  float scale_x() const {
    return static_cast<float>(image.width) / static_cast<float>(resized.width);
  }
  float scale_y() const {
    return static_cast<float>(image.height) / static_cast<float>(resized.height);
  }
};

/// Plans the preprocessing of a picture of that size. shortest_edge follows torchvision: with
/// max_size the detection transform (both sides floor(side * min(size / shorter, max_size /
/// longer))), without it transforms.Resize (longer side int(size * longer / shorter)). letterbox
/// rounds to nearest.
Geometry plan(const InputSpec& spec, Size image);

/// Writes the tensor of one picture: spec.channels() x tensor.height x tensor.width elements of
/// spec.dtype in spec.layout, at `output`. Bilinear sampling in float32 with half-pixel centres, as
/// torch.nn.functional.interpolate(align_corners=False) has it; results equal torch's to rounding.
void preprocess(const Image& image, const InputSpec& spec, const Geometry& geometry, void* output,
                ThreadPool& pool = ThreadPool::global());

}  // namespace edgecv
