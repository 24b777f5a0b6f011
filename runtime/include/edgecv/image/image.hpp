// Views of images, read in place: OpenCV, GStreamer, V4L2 and NumPy frames need no copy.
//
//   const std::vector<std::uint8_t> bgr(480 * 640 * 3);
//   const edgecv::Image image{bgr.data(), 480, 640, 640 * 3, edgecv::PixelFormat::bgr};
//   const edgecv::Image corner = edgecv::crop(image, 0, 0, {100, 100});
#pragma once

#include <cstddef>
#include <cstdint>

#include "edgecv/engine/tensor.hpp"
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

/// Alpha is ignored. The YUV formats are BT.601, studio range, as in cameras and OpenCV: NV12, I420
/// and P010 have planes, YUYV and YVYU pairs of pixels in one. P010 is NV12 of 16-bit words, lowest
/// byte first, with 10 bits in the upper ones.
enum class PixelFormat { bgr, rgb, bgra, rgba, gray, nv12, yuyv, i420, yvyu, p010 };

/// An image in host memory, 8 bits a channel (P010: 10); rows are `stride` bytes apart. A negative
/// stride is that of an image stored from the bottom up: `data` is its top row, the last in memory.
///
/// NV12 and P010: `data` is the luma plane and `chroma` the interleaved half-size UV plane (null:
/// it follows the luma plane at data + stride * height, with the same stride). I420: `chroma` is
/// the half-size U plane and `chroma_v` the V plane, both with `chroma_stride` (null: they follow
/// each other behind the luma plane, with half of its stride).
struct Image {
  const std::uint8_t* data = nullptr;
  int height = 0;
  int width = 0;
  std::ptrdiff_t stride = 0;
  PixelFormat format = PixelFormat::bgr;
  const std::uint8_t* chroma = nullptr;
  std::ptrdiff_t chroma_stride = 0;
  const std::uint8_t* chroma_v = nullptr;
  Device device = Device::cpu;  // where the memory lies; only host memory can be read

  Size size() const { return {height, width}; }
};

/// Throws Error (invalid_input) if the view cannot be right: no data, a side of 0 or above
/// max_side, rows that overlap, an odd YUV image, memory of a device.
EDGECV_API void(check)(const Image& image);

/// The part of an image from (x, y) on, a view of the same memory. Throws Error (invalid_input) if
/// it is empty or leaves the image, and for odd positions and sizes of an NV12, I420 or P010 image,
/// odd x and widths of a YUYV or YVYU one.
EDGECV_API Image crop(const Image& image, int x, int y, Size size);

}  // namespace edgecv
