// How the pixels of each format lie in memory.
#pragma once

#include <cstddef>

#include "edgecv/image/image.hpp"

namespace edgecv {

struct FormatLayout {
  int pixel_bytes = 0;    // in a row of `data`; 0: there is no such format
  int chroma_bytes = 0;   // of a pair of pixels in a row of `chroma`; 0: all is in `data`
  bool in_pairs = false;  // neighbours in a row share their colour
  const char* name = "";  // of those whose colours are shared

  bool yuv() const { return in_pairs; }
  bool own_chroma() const { return chroma_bytes > 0; }  // shared by pairs of rows too
};

constexpr FormatLayout layout_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::bgr:
    case PixelFormat::rgb:
      return {3, 0, false, ""};
    case PixelFormat::bgra:
    case PixelFormat::rgba:
      return {4, 0, false, ""};
    case PixelFormat::gray:
      return {1, 0, false, ""};
    case PixelFormat::nv12:
      return {1, 2, true, "NV12"};
    case PixelFormat::yuyv:
      return {2, 0, true, "YUYV"};
    case PixelFormat::i420:
      return {1, 1, true, "I420"};
    case PixelFormat::yvyu:
      return {2, 0, true, "YVYU"};
    case PixelFormat::p010:
      return {2, 4, true, "P010"};
  }
  return {};
}

/// The image with its chroma planes named, where they follow the luma plane unnamed.
inline Image with_planes(Image image) {
  if (image.chroma == nullptr) {
    image.chroma = image.data + image.stride * image.height;
    image.chroma_stride = image.format == PixelFormat::i420 ? image.stride / 2 : image.stride;
  }
  if (image.chroma_v == nullptr) {
    image.chroma_v = image.chroma + image.chroma_stride * (image.height / 2);
  }
  return image;
}

}  // namespace edgecv
