// Between crops and whole frames.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "edgecv/masks/masks.hpp"

namespace edgecv {

void draw_mask(const MaskCrop& crop, Size image, std::uint8_t* frame) {
  const std::uint8_t* pixels = crop.pixels.data();
  std::uint8_t* row = frame + static_cast<std::ptrdiff_t>(crop.y) * image.width + crop.x;
  for (int y = 0; y < crop.height; ++y, pixels += crop.width, row += image.width) {
    std::copy_n(pixels, crop.width, row);
  }
}

MaskCrop crop_mask(const std::uint8_t* frame, Size image) {
  const std::ptrdiff_t width = image.width;
  const auto is_set = [](std::uint8_t pixel) { return pixel != 0; };
  int left = image.width, right = 0, top = image.height, bottom = 0;
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* const row = frame + y * width;
    const std::uint8_t* const first =
        static_cast<const std::uint8_t*>(std::memchr(row, 1, static_cast<std::size_t>(width)));
    if (first == nullptr) continue;
    left = std::min(left, static_cast<int>(first - row));
    const auto last = std::find_if(std::make_reverse_iterator(row + width),
                                   std::make_reverse_iterator(row + right), is_set);
    right = static_cast<int>(last.base() - row);
    top = std::min(top, y);
    bottom = y + 1;
  }
  MaskCrop crop;
  if (bottom == 0) return crop;
  crop.x = left;
  crop.y = top;
  crop.width = right - left;
  crop.height = bottom - top;
  crop.pixels.reserve(static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height));
  for (int y = top; y < bottom; ++y) {
    const std::uint8_t* const row = frame + y * width;
    crop.pixels.insert(crop.pixels.end(), row + left, row + right);
  }
  return crop;
}

}  // namespace edgecv
