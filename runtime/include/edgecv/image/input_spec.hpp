// The input record of a bundle: everything that turns an image into the tensor that a network
// takes.
//
//   edgecv::InputSpec spec;
//   spec.size = edgecv::Size{320, 320};
//   spec.resize = edgecv::Resize::letterbox;
//   spec.mean = {0.485, 0.456, 0.406};
//   spec.std = {0.229, 0.224, 0.225};
//   edgecv::check(spec);
#pragma once

#include <array>
#include <optional>

#include "edgecv/engine/tensor.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

enum class Color { rgb, bgr, gray };
enum class Resize {
  stretch,        // to `size`, aspect ratio not kept
  letterbox,      // into `size`, aspect ratio kept, the rest is padding
  shortest_edge,  // the shorter side becomes size.height (= size.width), at most max_size for the
                  // longer one
  none,
};
enum class Align { center, top_left };
enum class Interpolation { bilinear, nearest, bicubic };
enum class Layout { nchw, nhwc };

/// Order of operations: colour, resize, crop, (x * scale - mean) / std, pad.
/// Gray is made in whole levels, as cv2.COLOR_BGR2GRAY.
/// Sizes are height x width in pixels; mean and std are per channel in the order of `color` and in
/// units of x * scale; pad_value is in normalised units.
struct InputSpec {
  Color color = Color::rgb;
  std::optional<Size> size;  // target of the resize; nothing with Resize::none
  Resize resize = Resize::stretch;
  std::optional<int> max_size;  // shortest_edge only
  Align align = Align::center;  // letterbox only
  std::optional<Size> crop;     // centre crop after the resize
  // Half-pixel centres, as torch: align_corners=False, and "nearest-exact" for nearest. Bicubic is
  // Keys' with a = -0.75, with antialias a = -0.5; it may overshoot 0..255.
  Interpolation interpolation = Interpolation::bilinear;
  bool antialias = false;  // a filter as wide as the reduction, as torch's antialias=True
  double scale = 1.0 / 255.0;
  std::array<double, 3> mean{0, 0, 0};  // gray: the first only
  std::array<double, 3> std{1, 1, 1};
  double pad_value = 0;
  int pad_multiple = 1;  // height and width of the tensor are rounded up to it, below and right
  DType dtype = DType::float32;  // float32, float16 or uint8 (rounded to nearest, saturated)
  Layout layout = Layout::nchw;

  int channels() const { return color == Color::gray ? 1 : 3; }
};

/// Throws Error (invalid_input) naming the first field that cannot be right.
EDGECV_API void(check)(const InputSpec& spec);  // in brackets: Apple has a macro check()

}  // namespace edgecv
