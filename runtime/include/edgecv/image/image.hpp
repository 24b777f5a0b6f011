// Views of images, read in place: OpenCV, GStreamer, V4L2 and NumPy frames need no copy.
//
//   const std::vector<std::uint8_t> bgr(480 * 640 * 3);
//   const edgecv::Image image{bgr.data(), 480, 640, 640 * 3, edgecv::PixelFormat::bgr};
//   const edgecv::Image corner = edgecv::crop(image, 0, 0, {100, 100});
#pragma once

#include <cstddef>
#include <cstdint>

#include "edgecv/export.hpp"

namespace edgecv {

struct Size {
  int height = 0;
  int width = 0;
};
inline bool operator==(Size a, Size b) { return a.height == b.height && a.width == b.width; }
inline bool operator!=(Size a, Size b) { return !(a == b); }

/// The longest side of an image, a tensor and a window, in pixels.
inline constexpr int max_side = 65535;

/// Alpha is ignored. NV12 and YUYV are BT.601, studio range, as in cameras and OpenCV.
enum class PixelFormat { bgr, rgb, bgra, rgba, gray, nv12, yuyv };

/// An 8-bit image; rows are `stride` bytes apart. NV12: `data` is the luma plane and `chroma` the
/// interleaved half-size UV plane (null: it follows the luma plane at data + stride * height, with
/// the same stride).
struct Image {
  const std::uint8_t* data = nullptr;
  int height = 0;
  int width = 0;
  std::ptrdiff_t stride = 0;
  PixelFormat format = PixelFormat::bgr;
  const std::uint8_t* chroma = nullptr;
  std::ptrdiff_t chroma_stride = 0;

  Size size() const { return {height, width}; }
};

/// Throws Error (invalid_input) if the view cannot be right: no data, a side of 0 or above
/// max_side, rows that overlap, an odd NV12 or YUYV image.
EDGECV_API void check(const Image& image);

/// The part of an image from (x, y) on, a view of the same memory. Throws Error (invalid_input) if
/// it is empty or leaves the image, and for odd positions and sizes of an NV12 image, odd x and
/// widths of a YUYV one.
EDGECV_API Image crop(const Image& image, int x, int y, Size size);

}  // namespace edgecv
