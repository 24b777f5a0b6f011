#include "edgecv/image/image.hpp"

#include <string>

#include "edgecv/error.hpp"
#include "image/format_layout.hpp"
#include "image/image_part.hpp"

namespace edgecv {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_input, message);
}

/// Of `stride` or `chroma_stride`.
void check_stride(const char* name, std::ptrdiff_t stride, std::ptrdiff_t row_bytes) {
  if (stride >= row_bytes || stride <= -row_bytes) return;
  refuse("image: " + std::string(name) + " is " + std::to_string(stride) +
         " bytes, but a row takes " + std::to_string(row_bytes) +
         "; give the distance between rows in bytes");
}

std::string text(const Image& image) {
  return std::to_string(image.height) + " x " + std::to_string(image.width);
}

}  // namespace

void check(const Image& image) {
  if (image.device != Device::cpu) {
    refuse("image: it lies on a CUDA device, expected host memory: copy it to the host first");
  }
  if (image.data == nullptr) refuse("image: no data; data must point to the first row");
  if (image.height < 1 || image.width < 1 || image.height > max_side || image.width > max_side) {
    refuse("image: height x width is " + text(image) + ", each must lie between 1 and " +
           std::to_string(max_side));
  }
  const FormatLayout layout = layout_of(image.format);
  if (layout.pixel_bytes == 0) {
    refuse("image: unknown pixel format " + std::to_string(static_cast<int>(image.format)));
  }
  check_stride("stride", image.stride, std::ptrdiff_t{layout.pixel_bytes} * image.width);
  if (!layout.own_chroma()) {
    if (layout.in_pairs && image.width % 2 != 0) {
      refuse("image: " + std::string(layout.name) + " needs an even width, got " + text(image));
    }
    return;
  }
  if (image.height % 2 != 0 || image.width % 2 != 0) {
    refuse("image: " + std::string(layout.name) + " needs an even height and width, got " +
           text(image));
  }
  if (image.chroma != nullptr) {
    check_stride("chroma_stride", image.chroma_stride,
                 std::ptrdiff_t{layout.chroma_bytes} * (image.width / 2));
    if (image.format == PixelFormat::i420 && image.chroma_v == nullptr) {
      refuse("image: I420 has two chroma planes; give chroma_v beside chroma, or neither");
    }
  } else if (image.stride < 0) {
    refuse("image: stride is negative, so no chroma plane follows the luma plane: give chroma");
  } else if (image.format == PixelFormat::i420 && image.stride % 2 != 0) {
    refuse("image: stride is " + std::to_string(image.stride) +
           " bytes, and half of it would be that of the chroma planes: give chroma and chroma_v");
  }
}

Image crop(const Image& image, int x, int y, Size size) {
  if (x < 0 || y < 0 || size.height < 1 || size.width < 1 || size.width > image.width - x ||
      size.height > image.height - y) {
    refuse("crop: expected a part of the " + text(image) + " image, got x " + std::to_string(x) +
           ", y " + std::to_string(y) + " and " + std::to_string(size.height) + " x " +
           std::to_string(size.width));
  }
  const FormatLayout layout = layout_of(image.format);
  if ((layout.own_chroma() && (y % 2 != 0 || size.height % 2 != 0)) ||
      (layout.in_pairs && (x % 2 != 0 || size.width % 2 != 0))) {
    refuse(
        "crop: colours of an NV12, I420, P010, YUYV or YVYU image belong to pairs of pixels: "
        "expected even positions and sizes");
  }
  return part_of(image, x, y, size);
}

}  // namespace edgecv
