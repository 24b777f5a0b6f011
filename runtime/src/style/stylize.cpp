#include "edgecv/style/stylize.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <vector>

#include "image/nearest_level.hpp"
#include "scores/finite.hpp"
#include "simd/clones.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

constexpr int kFadeShare = 16;  // of an overlap: the rest keeps a tile's border out of sight

/// Of one row: blue, green, red.
using Planes = std::array<const float*, 3>;

struct Levels {
  float scale, offset;
};

/// Both give a number other than 0 if a value is NaN or infinite.
EDGECV_INLINE unsigned write_row_once(const float* blue, const float* green, const float* red,
                                      int width, Levels levels, std::uint8_t* bgr) {
  unsigned bad = 0;
  for (int x = 0; x < width; ++x) {
    bad |= is_not_finite(blue[x]) | is_not_finite(green[x]) | is_not_finite(red[x]);
    bgr[3 * x] = nearest_level(blue[x] * levels.scale + levels.offset);
    bgr[3 * x + 1] = nearest_level(green[x] * levels.scale + levels.offset);
    bgr[3 * x + 2] = nearest_level(red[x] * levels.scale + levels.offset);
  }
  return bad;
}
constexpr auto write_row = clones<write_row_once>;

EDGECV_INLINE std::uint8_t blended(float level, float seen, std::uint8_t below) {
  level = level > 0.0f ? level : 0.0f;
  level = level < 255.0f ? level : 255.0f;
  const float old = below;
  return nearest_level(old + seen * (level - old));
}

EDGECV_INLINE unsigned blend_row_once(const float* blue, const float* green, const float* red,
                                      int width, Levels levels, const float* seen,
                                      std::uint8_t* bgr) {
  unsigned bad = 0;
  for (int x = 0; x < width; ++x) {
    bad |= is_not_finite(blue[x]) | is_not_finite(green[x]) | is_not_finite(red[x]);
    bgr[3 * x] = blended(blue[x] * levels.scale + levels.offset, seen[x], bgr[3 * x]);
    bgr[3 * x + 1] = blended(green[x] * levels.scale + levels.offset, seen[x], bgr[3 * x + 1]);
    bgr[3 * x + 2] = blended(red[x] * levels.scale + levels.offset, seen[x], bgr[3 * x + 2]);
  }
  return bad;
}
constexpr auto blend_row = clones<blend_row_once>;

EDGECV_INLINE void blend_bytes_once(const std::uint8_t* over, int count, float seen,
                                    std::uint8_t* bytes) {
  for (int i = 0; i < count; ++i) bytes[i] = blended(over[i], seen, bytes[i]);
}
constexpr auto blend_bytes = clones<blend_bytes_once>;

Levels levels_of(const StylizeSpec& spec) {
  return {static_cast<float>(spec.scale), static_cast<float>(spec.offset)};
}

/// row(planes of row y, y) for each row of the canvas, on the pool; it says whether a value is not
/// finite.
template <typename Row>
void each_row(const StylizeSpec& spec, const float* planes, Size tensor, const Canvas& canvas,
              Executor& pool, Row row) {
  const auto plane = static_cast<std::ptrdiff_t>(tensor.height) * tensor.width;
  Planes channels{planes, planes + plane, planes + 2 * plane};
  if (spec.color == Color::rgb) std::swap(channels[0], channels[2]);
  std::atomic<unsigned> bad{0};
  const int rows_per_piece = std::max(4, 16384 / canvas.size.width);
  pool.parallel_for(canvas.size.height, rows_per_piece, [&](int begin, int end) {
    unsigned found = 0;
    for (int y = begin; y < end; ++y) {
      const auto start = static_cast<std::ptrdiff_t>(y) * tensor.width;
      found |= row(Planes{channels[0] + start, channels[1] + start, channels[2] + start}, y);
    }
    bad |= found;
  });
  if (bad) not_finite(spec.picture_output);
}

}  // namespace

void write_image(const StylizeSpec& spec, const float* planes, Size tensor, const Canvas& canvas,
                 Executor& pool) {
  const Levels levels = levels_of(spec);
  each_row(spec, planes, tensor, canvas, pool, [&](const Planes& row, int y) {
    return write_row(row[0], row[1], row[2], canvas.size.width, levels,
                     canvas.bgr + canvas.stride * y);
  });
}

float Fade::operator()(int pixel) const {
  const float centre = static_cast<float>(pixel) + 0.5f;
  return end > begin ? std::clamp((centre - begin) / (end - begin), 0.f, 1.f)
                     : static_cast<float>(centre >= end);
}

Fade fade_in(int overlap) {
  const float middle = static_cast<float>(overlap) / 2;
  const float half = static_cast<float>(overlap) / (2 * kFadeShare);
  return {middle - half, middle + half};
}

void blend_image(const StylizeSpec& spec, const float* planes, Size tensor, const Canvas& canvas,
                 Fade across, Executor& pool) {
  const Levels levels = levels_of(spec);
  const int blends = std::clamp(static_cast<int>(std::ceil(across.end)), 0, canvas.size.width);
  Recycled<float> seen(static_cast<std::size_t>(blends));
  for (int x = 0; x < blends; ++x) seen[static_cast<std::size_t>(x)] = across(x);
  each_row(spec, planes, tensor, canvas, pool, [&](const Planes& row, int y) {
    std::uint8_t* const bgr = canvas.bgr + canvas.stride * y;
    return blend_row(row[0], row[1], row[2], blends, levels, seen.data(), bgr) |
           write_row(row[0] + blends, row[1] + blends, row[2] + blends, canvas.size.width - blends,
                     levels, bgr + static_cast<std::ptrdiff_t>(3) * blends);
  });
}

void blend_rows(const std::uint8_t* bgr, const Canvas& canvas, Fade down, int first) {
  const int bytes = 3 * canvas.size.width;
  for (int y = 0; y < canvas.size.height; ++y) {
    blend_bytes(bgr + static_cast<std::ptrdiff_t>(bytes) * y, bytes, down(first + y),
                canvas.bgr + canvas.stride * y);
  }
}

}  // namespace edgecv
