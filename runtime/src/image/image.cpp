#include "edgecv/image/image.hpp"

#include <string>

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_input, message);
}

/// Bytes of one row: for NV12 of the luma plane, and the chroma plane has the same.
std::ptrdiff_t row_bytes(const Image& image) {
  switch (image.format) {
    case PixelFormat::bgr:
    case PixelFormat::rgb:
      return std::ptrdiff_t{3} * image.width;
    case PixelFormat::bgra:
    case PixelFormat::rgba:
      return std::ptrdiff_t{4} * image.width;
    case PixelFormat::gray:
    case PixelFormat::nv12:
      return image.width;
    case PixelFormat::yuyv:
      return std::ptrdiff_t{2} * image.width;
  }
  refuse("image: unknown pixel format " + std::to_string(static_cast<int>(image.format)));
}

std::string text(const Image& image) {
  return std::to_string(image.height) + " x " + std::to_string(image.width);
}

}  // namespace

void check(const Image& image) {
  if (image.data == nullptr) refuse("image: no data; data must point to the first row");
  if (image.height < 1 || image.width < 1 || image.height > max_side || image.width > max_side) {
    refuse("image: height x width is " + text(image) + ", each must lie between 1 and " +
           std::to_string(max_side));
  }
  const std::ptrdiff_t bytes = row_bytes(image);
  if (image.stride < bytes) {
    refuse("image: stride is " + std::to_string(image.stride) + " bytes, but a row takes " +
           std::to_string(bytes) + "; give the distance between rows in bytes");
  }
  if (image.format == PixelFormat::nv12) {
    if (image.height % 2 != 0 || image.width % 2 != 0) {
      refuse("image: NV12 needs an even height and width, got " + text(image));
    }
    if (image.chroma != nullptr && image.chroma_stride < bytes) {
      refuse("image: chroma_stride is " + std::to_string(image.chroma_stride) +
             " bytes, but a row takes " + std::to_string(bytes));
    }
  }
  if (image.format == PixelFormat::yuyv && image.width % 2 != 0) {
    refuse("image: YUYV needs an even width, got " + text(image));
  }
}

Image crop(const Image& image, int x, int y, Size size) {
  if (x < 0 || y < 0 || size.height < 1 || size.width < 1 || size.width > image.width - x ||
      size.height > image.height - y) {
    refuse("crop: expected a part of the " + text(image) + " image, got x " + std::to_string(x) +
           ", y " + std::to_string(y) + " and " + std::to_string(size.height) + " x " +
           std::to_string(size.width));
  }
  const bool planar = image.format == PixelFormat::nv12;
  if ((planar && (y % 2 != 0 || size.height % 2 != 0)) ||
      ((planar || image.format == PixelFormat::yuyv) && (x % 2 != 0 || size.width % 2 != 0))) {
    refuse(
        "crop: colours of an NV12 or YUYV image belong to pairs of pixels: expected even "
        "positions and sizes");
  }
  Image part = image;
  part.height = size.height;
  part.width = size.width;
  part.data = image.data + y * image.stride + row_bytes(image) / image.width * x;
  if (planar) {
    const bool own_plane = image.chroma != nullptr;
    part.chroma_stride = own_plane ? image.chroma_stride : image.stride;
    part.chroma = (own_plane ? image.chroma : image.data + image.stride * image.height) +
                  y / 2 * part.chroma_stride + x;
  }
  return part;
}

}  // namespace edgecv
