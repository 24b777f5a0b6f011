#include "image/image_part.hpp"

#include "image/format_layout.hpp"

namespace edgecv {

Image part_of(const Image& image, int left, int top, Size size) {
  const FormatLayout layout = layout_of(image.format);
  Image part = layout.own_chroma() ? with_planes(image) : image;
  part.height = size.height;
  part.width = size.width;
  part.data += image.stride * top + std::ptrdiff_t{layout.pixel_bytes} * left;
  if (layout.own_chroma()) {
    const std::ptrdiff_t offset =
        part.chroma_stride * (top / 2) + std::ptrdiff_t{layout.chroma_bytes} * (left / 2);
    part.chroma += offset;
    part.chroma_v += offset;
  }
  return part;
}

}  // namespace edgecv
