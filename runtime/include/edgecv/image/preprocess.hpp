// From image to network input in one pass.
//
//   const std::vector<std::uint8_t> bgr(480 * 640 * 3);
//   const edgecv::Image image{bgr.data(), 480, 640, 640 * 3};
//   edgecv::InputSpec spec;
//   spec.size = edgecv::Size{320, 320};
//   const edgecv::Geometry geometry = edgecv::plan(spec, image.size());
//   std::vector<float> tensor(3 * 320 * 320);
//   edgecv::preprocess(image, spec, geometry, tensor.data());
#pragma once

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/image/input_spec.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// Where the image lands in the tensor. A tensor coordinate (x, y) in pixels lies at
/// ((x - offset_x) * scale_x, (y - offset_y) * scale_y) in the image.
struct Geometry {
  Size image;        // of the image
  Size resized;      // after the resize
  Size tensor;       // height and width of the tensor
  int offset_x = 0;  // of the resized image's corner in the tensor: > 0 padding, < 0 crop
  int offset_y = 0;

  float scale_x() const {
    return static_cast<float>(image.width) / static_cast<float>(resized.width);
  }
  float scale_y() const {
    return static_cast<float>(image.height) / static_cast<float>(resized.height);
  }
};

/// Plans the preprocessing of an image of that size. shortest_edge follows torchvision: with
/// max_size the detection transform (both sides floor(side * min(size / shorter, max_size /
/// longer))), without it transforms.Resize (longer side int(size * longer / shorter)). letterbox
/// rounds to nearest.
EDGECV_API Geometry plan(const InputSpec& spec, Size image);

/// Writes the tensor of one image: spec.channels() x tensor.height x tensor.width elements of
/// spec.dtype in spec.layout, at `output`. Bilinear sampling in float32 with half-pixel centres, as
/// torch.nn.functional.interpolate(align_corners=False) has it; results equal torch's to rounding.
EDGECV_API void preprocess(const Image& image, const InputSpec& spec, const Geometry& geometry,
                           void* output, Executor& pool = ThreadPool::global());

}  // namespace edgecv
