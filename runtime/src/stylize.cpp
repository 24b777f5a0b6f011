#include "edgecv/stylize.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>

#include "clones.hpp"
#include "nearest_level.hpp"
#include "not_finite.hpp"

namespace edgecv {
namespace {

struct Levels {
  float scale, offset;
  EDGECV_INLINE std::uint8_t operator()(float value) const {
    return nearest_level(value * scale + offset);
  }
};

EDGECV_INLINE unsigned not_a_number(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits & 0x7f800000u) == 0x7f800000u;
}

/// One row of three planes as packed pixels; true if a value is NaN or infinite.
EDGECV_CLONES unsigned write_row(const float* blue, const float* green, const float* red, int width,
                                 Levels levels, std::uint8_t* bgr) {
  unsigned bad = 0;
  for (int x = 0; x < width; ++x) {
    bad |= not_a_number(blue[x]) | not_a_number(green[x]) | not_a_number(red[x]);
    bgr[3 * x] = levels(blue[x]);
    bgr[3 * x + 1] = levels(green[x]);
    bgr[3 * x + 2] = levels(red[x]);
  }
  return bad;
}

}  // namespace

void write_picture(const StylizeSpec& spec, const float* planes, Size tensor, Size picture,
                   std::uint8_t* bgr, ThreadPool& pool) {
  const auto plane = static_cast<std::ptrdiff_t>(tensor.height) * tensor.width;
  std::array<const float*, 3> channels{planes, planes + plane, planes + 2 * plane};
  if (spec.color == Color::rgb) std::swap(channels[0], channels[2]);
  const Levels levels{static_cast<float>(spec.scale), static_cast<float>(spec.offset)};
  std::atomic<unsigned> bad{0};
  const int rows_per_piece = std::max(4, 16384 / picture.width);
  pool.parallel_for(picture.height, rows_per_piece, [&](int begin, int end) {
    unsigned found = 0;
    for (int y = begin; y < end; ++y) {
      const auto row = static_cast<std::ptrdiff_t>(y) * tensor.width;
      found |= write_row(channels[0] + row, channels[1] + row, channels[2] + row, picture.width,
                         levels, bgr + static_cast<std::ptrdiff_t>(y) * picture.width * 3);
    }
    bad |= found;
  });
  if (bad) not_finite(spec.picture_output);
}

}  // namespace edgecv
