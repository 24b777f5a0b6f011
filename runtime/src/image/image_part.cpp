#include "image/image_part.hpp"

namespace edgecv {
namespace {

std::ptrdiff_t bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::bgr:
    case PixelFormat::rgb:
      return 3;
    case PixelFormat::bgra:
    case PixelFormat::rgba:
      return 4;
    case PixelFormat::yuyv:
      return 2;
    case PixelFormat::gray:
    case PixelFormat::nv12:
      break;
  }
  return 1;
}

}  // namespace

Image part_of(const Image& image, int left, int top, Size size) {
  Image part = image;
  part.height = size.height;
  part.width = size.width;
  part.data = image.data + image.stride * top + bytes_per_pixel(image.format) * left;
  if (image.format == PixelFormat::nv12) {
    const bool follows = image.chroma == nullptr;
    part.chroma = follows ? image.data + image.stride * image.height : image.chroma;
    part.chroma_stride = follows ? image.stride : image.chroma_stride;
    part.chroma += part.chroma_stride * (top / 2) + left;
  }
  return part;
}

}  // namespace edgecv
