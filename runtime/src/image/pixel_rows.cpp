#include "image/pixel_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "image/format_layout.hpp"
#include "simd/clones.hpp"

namespace edgecv {
namespace {

EDGECV_INLINE std::uint32_t clamp_byte(int value) {
  return static_cast<std::uint32_t>(value < 0 ? 0 : (value > 255 ? 255 : value));
}

/// Stores blue, green, red and a byte without meaning.
EDGECV_INLINE void store_bgrx(int blue, int green, int red, std::uint8_t* pixel) {
  const std::uint32_t bgrx = clamp_byte(blue) | clamp_byte(green) << 8 | clamp_byte(red) << 16;
  std::memcpy(pixel, &bgrx, sizeof bgrx);  // one store, so that the loops below vectorise
}

/// BT.601, studio range, 20 fractional bits.
EDGECV_INLINE void yuv_to_bgrx(int y, int u, int v, std::uint8_t* pixel) {
  constexpr int shift = 20;
  constexpr int half = 1 << (shift - 1);
  const int luma = (y > 16 ? y - 16 : 0) * 1220542 + half;
  store_bgrx((luma + 2116026 * u) >> shift, (luma - 852492 * v - 409993 * u) >> shift,
             (luma + 1673527 * v) >> shift, pixel);
}

/// The same of levels of 10 bits, 18 fractional bits.
EDGECV_INLINE void yuv10_to_bgrx(int y, int u, int v, std::uint8_t* pixel) {
  constexpr int shift = 20;
  constexpr int half = 1 << (shift - 1);
  const int luma = (y > 64 ? y - 64 : 0) * 305136 + half;
  store_bgrx((luma + 529007 * u) >> shift, (luma - 213123 * v - 102498 * u) >> shift,
             (luma + 418382 * v) >> shift, pixel);
}

EDGECV_INLINE void decode_nv12_once(const std::uint8_t* luma, const std::uint8_t* chroma, int width,
                                    std::uint8_t* row) {
  for (int x = 0; x < width; x += 2) {
    const int u = chroma[x] - 128;
    const int v = chroma[x + 1] - 128;
    yuv_to_bgrx(luma[x], u, v, row + 4 * x);
    yuv_to_bgrx(luma[x + 1], u, v, row + 4 * x + 4);
  }
}
constexpr auto decode_nv12 = clones<decode_nv12_once>;

EDGECV_INLINE void decode_i420_once(const std::uint8_t* luma, const std::uint8_t* chroma_u,
                                    const std::uint8_t* chroma_v, int width, std::uint8_t* row) {
  for (int x = 0; x < width; x += 2) {
    const int u = chroma_u[x / 2] - 128;
    const int v = chroma_v[x / 2] - 128;
    yuv_to_bgrx(luma[x], u, v, row + 4 * x);
    yuv_to_bgrx(luma[x + 1], u, v, row + 4 * x + 4);
  }
}
constexpr auto decode_i420 = clones<decode_i420_once>;

/// `u` and `v`: bytes of a pair of pixels.
template <int u_byte, int v_byte>
EDGECV_INLINE void decode_pairs(const std::uint8_t* pairs, int width, std::uint8_t* row) {
  for (int x = 0; x < width; x += 2) {
    const std::uint8_t* const pair = pairs + 2 * x;
    const int u = pair[u_byte] - 128;
    const int v = pair[v_byte] - 128;
    yuv_to_bgrx(pair[0], u, v, row + 4 * x);
    yuv_to_bgrx(pair[2], u, v, row + 4 * x + 4);
  }
}

EDGECV_INLINE void decode_yuyv_once(const std::uint8_t* pairs, int width, std::uint8_t* row) {
  decode_pairs<1, 3>(pairs, width, row);
}
constexpr auto decode_yuyv = clones<decode_yuyv_once>;

EDGECV_INLINE void decode_yvyu_once(const std::uint8_t* pairs, int width, std::uint8_t* row) {
  decode_pairs<3, 1>(pairs, width, row);
}
constexpr auto decode_yvyu = clones<decode_yvyu_once>;

/// The upper 10 bits of a word whose lowest byte comes first.
EDGECV_INLINE int ten_bits(const std::uint8_t* word) { return word[1] << 2 | word[0] >> 6; }

EDGECV_INLINE void decode_p010_once(const std::uint8_t* luma, const std::uint8_t* chroma, int width,
                                    std::uint8_t* row) {
  for (int x = 0; x < width; x += 2) {
    const int u = ten_bits(chroma + 2 * x) - 512;
    const int v = ten_bits(chroma + 2 * x + 2) - 512;
    yuv10_to_bgrx(ten_bits(luma + 2 * x), u, v, row + 4 * x);
    yuv10_to_bgrx(ten_bits(luma + 2 * x + 2), u, v, row + 4 * x + 4);
  }
}
constexpr auto decode_p010 = clones<decode_p010_once>;

template <int step>
EDGECV_INLINE void gray_from(const std::uint8_t* colour, const std::array<int, 3>& rgb, int width,
                             std::uint8_t* row) {
  const std::uint8_t* const red = colour + rgb[0];
  const std::uint8_t* const green = colour + rgb[1];
  const std::uint8_t* const blue = colour + rgb[2];
  for (int x = 0; x < width; ++x) {
    const int sum = red[step * x] * 9798 + green[step * x] * 19235 + blue[step * x] * 3735;
    row[x] = static_cast<std::uint8_t>((sum + (1 << 14)) >> 15);
  }
}

EDGECV_INLINE void colour_to_gray_once(const std::uint8_t* colour, const PackedFormat& format,
                                       int width, std::uint8_t* row) {
  if (format.step == 3) {
    gray_from<3>(colour, format.rgb, width, row);
  } else {
    gray_from<4>(colour, format.rgb, width, row);
  }
}
constexpr auto colour_to_gray = clones<colour_to_gray_once>;

}  // namespace

PackedFormat packed_format(PixelFormat format, bool gray) {
  if (gray || format == PixelFormat::gray) return {1, {0, 0, 0}};
  switch (format) {
    case PixelFormat::rgb:
      return {3, {0, 1, 2}};
    case PixelFormat::rgba:
      return {4, {0, 1, 2}};
    case PixelFormat::bgr:
      return {3, {2, 1, 0}};
    default:  // BGRA, and what is decoded to it
      return {4, {2, 1, 0}};
  }
}

PixelRows::PixelRows(const Image& image, bool gray, int kept)
    : image_(with_planes(image)),
      in_place_(image.format == PixelFormat::gray || (!gray && !layout_of(image.format).yuv())),
      gray_(gray) {
  if (in_place_) return;
  const auto width = static_cast<std::size_t>(image.width);
  const auto slots = static_cast<std::size_t>(kept);
  slot_bytes_ = width * static_cast<std::size_t>(packed_format(image.format, gray).step);
  held_.assign(slots, -1);
  slots_.resize(slots * slot_bytes_);
  if (gray && layout_of(image.format).yuv()) colour_.resize(4 * width);
}

void PixelRows::decode(int y, std::uint8_t* row) {
  const std::uint8_t* const source = image_.data + image_.stride * y;
  const std::ptrdiff_t chroma = image_.chroma_stride * (y / 2);
  std::uint8_t* const colour = gray_ ? colour_.data() : row;
  const bool decoded = layout_of(image_.format).yuv();
  switch (image_.format) {
    case PixelFormat::nv12:
      decode_nv12(source, image_.chroma + chroma, image_.width, colour);
      break;
    case PixelFormat::i420:
      decode_i420(source, image_.chroma + chroma, image_.chroma_v + chroma, image_.width, colour);
      break;
    case PixelFormat::p010:
      decode_p010(source, image_.chroma + chroma, image_.width, colour);
      break;
    case PixelFormat::yuyv:
      decode_yuyv(source, image_.width, colour);
      break;
    case PixelFormat::yvyu:
      decode_yvyu(source, image_.width, colour);
      break;
    default:
      break;
  }
  if (gray_) {
    colour_to_gray(decoded ? colour : source, packed_format(image_.format, false), image_.width,
                   row);
  }
}

const std::uint8_t* PixelRows::operator()(int y) {
  if (in_place_) return image_.data + image_.stride * y;
  const std::size_t slot = static_cast<std::size_t>(y) % held_.size();
  std::uint8_t* const row = slots_.data() + slot * slot_bytes_;
  if (held_[slot] != y) {
    decode(y, row);
    held_[slot] = y;
  }
  return row;
}

}  // namespace edgecv
