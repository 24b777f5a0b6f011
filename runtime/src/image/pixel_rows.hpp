// Rows of an image of any format as packed 8-bit pixels.
#pragma once

#include <array>
#include <cstdint>

#include "edgecv/image/image.hpp"
#include "threads/recycled.hpp"

namespace edgecv {

/// Layout of the pixels that PixelRows gives.
struct PackedFormat {
  int step;                // bytes per pixel: 1 (gray), 3 or 4
  std::array<int, 3> rgb;  // byte of red, green and blue in a pixel
};

/// The layout for images of that format, in colour or turned to gray.
PackedFormat packed_format(PixelFormat format, bool gray);

/// Gives the rows of an image: in place where they are packed pixels already, else decoded into
/// scratch memory. Decoding is cv2.cvtColor's integer arithmetic (YUV2BGR_NV12, YUV2BGR_I420,
/// YUV2BGR_YUYV, YUV2BGR_YVYU, BGR2GRAY); that of P010 is the same formula, rounded once. Not
/// thread-safe; each thread makes its own.
class PixelRows {
 public:
  /// `kept`: that many consecutive rows stay valid at a time.
  PixelRows(const Image& image, bool gray, int kept);

  /// Row y, image.width * step bytes.
  const std::uint8_t* operator()(int y);

  /// Row y if it needs no decoding, else null.
  const std::uint8_t* in_place(int y) const {
    return in_place_ ? image_.data + image_.stride * y : nullptr;
  }

 private:
  void decode(int y, std::uint8_t* row);

  Image image_;
  bool in_place_;
  bool gray_;
  Recycled<int> held_;  // y of the row in each slot, -1 for none
  std::size_t slot_bytes_ = 0;
  Recycled<std::uint8_t> slots_;
  Recycled<std::uint8_t> colour_;  // one row on its way to gray
};

}  // namespace edgecv
