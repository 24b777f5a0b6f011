#include "bilinear.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "clones.hpp"

namespace edgecv {
namespace {

constexpr int block = 128;  // outputs at a time: their pixels stay in the first-level cache

struct Row {
  const std::uint8_t* upper;
  const std::uint8_t* lower;  // null: the upper row is enough
  float fraction;             // of the lower row
  const int* offsets;
  const float* fractions;  // of the right column; null: the left column is enough
  int count;
  int wide;
  int step;
  int last_offset;
};

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
constexpr bool little_endian = false;
#else
constexpr bool little_endian = true;
#endif

/// A pixel's bytes, the first one lowest. Wide loads touch 4 bytes whatever the pixel has.
template <bool gray, bool wide>
EDGECV_INLINE std::uint32_t load(const std::uint8_t* pixel) {
  if constexpr (gray) {
    return *pixel;
  } else if constexpr (wide && little_endian) {
    std::uint32_t value;
    std::memcpy(&value, pixel, sizeof value);
    return value;
  } else {
    return pixel[0] | std::uint32_t{pixel[1]} << 8 | std::uint32_t{pixel[2]} << 16;
  }
}

struct Corners {
  std::uint32_t upper_left[block], upper_right[block], lower_left[block], lower_right[block];
};

template <bool gray, bool two_columns, bool two_rows, bool wide>
EDGECV_INLINE void gather(const Row& row, int begin, int end, Corners& corners, int at) {
  for (int x = begin; x < end; ++x, ++at) {
    const int left = row.offsets[x];
    corners.upper_left[at] = load<gray, wide>(row.upper + left);
    if (two_rows) corners.lower_left[at] = load<gray, wide>(row.lower + left);
    if (two_columns) {
      const int right = wide ? left + row.step : std::min(left + row.step, row.last_offset);
      corners.upper_right[at] = load<gray, wide>(row.upper + right);
      if (two_rows) corners.lower_right[at] = load<gray, wide>(row.lower + right);
    }
  }
}

EDGECV_INLINE float lane(std::uint32_t pixel, int shift) {
  return static_cast<float>(static_cast<int>((pixel >> shift) & 255u));
}

/// First the pixels of a block are collected, four integers for each output; then each channel is
/// plain arithmetic on arrays, which vectorises at any width.
template <bool gray, bool two_columns, bool two_rows>
EDGECV_INLINE void sample(const Row& row, const ChannelMap& channels, const ChannelRows& result) {
  Corners corners;
  const float fraction = row.fraction;
  for (int begin = 0; begin < row.count; begin += block) {
    const int size = std::min(block, row.count - begin);
    const int wide = std::clamp(row.wide - begin, 0, size);
    gather<gray, two_columns, two_rows, true>(row, begin, begin + wide, corners, 0);
    gather<gray, two_columns, two_rows, false>(row, begin + wide, begin + size, corners, wide);
    for (int c = 0; c < channels.count; ++c) {
      const auto channel = static_cast<std::size_t>(c);
      const int shift = 8 * channels.lane[channel];
      const float gain = channels.gain[channel];
      const float offset = channels.offset[channel];
      const float* const fractions = two_columns ? row.fractions + begin : nullptr;
      float* const out = result[channel] + begin;
      for (int k = 0; k < size; ++k) {
        float value = lane(corners.upper_left[k], shift);
        if (two_rows) value += fraction * (lane(corners.lower_left[k], shift) - value);
        if (two_columns) {
          float right = lane(corners.upper_right[k], shift);
          if (two_rows) right += fraction * (lane(corners.lower_right[k], shift) - right);
          value += fractions[k] * (right - value);
        }
        out[k] = value * gain + offset;
      }
    }
  }
}

template <bool gray>
EDGECV_INLINE void sample_any(const Row& row, const ChannelMap& channels,
                              const ChannelRows& result) {
  if (row.lower != nullptr) {
    if (row.fractions != nullptr) {
      sample<gray, true, true>(row, channels, result);
    } else {
      sample<gray, false, true>(row, channels, result);
    }
  } else if (row.fractions != nullptr) {
    sample<gray, true, false>(row, channels, result);
  } else {
    sample<gray, false, false>(row, channels, result);
  }
}

EDGECV_CLONES void sample_row(const Row& row, const ChannelMap& channels,
                              const ChannelRows& result) {
  if (row.step == 1) {
    sample_any<true>(row, channels, result);
  } else {
    sample_any<false>(row, channels, result);
  }
}

}  // namespace

BilinearSampler::BilinearSampler(const LinearAxis& columns, LinearAxis rows, Size image, int step,
                                 const ChannelMap& channels)
    : rows_(std::move(rows)),
      last_row_(image.height - 1),
      offsets_(columns.first),
      last_offset_((image.width - 1) * step),
      step_(step),
      channels_(channels) {
  for (int& offset : offsets_) offset *= step;
  const bool blends = std::any_of(columns.fraction.begin(), columns.fraction.end(),
                                  [](float fraction) { return fraction != 0; });
  if (blends) fractions_ = columns.fraction;
  // Offsets never fall from one output to the next.
  const int load_bytes = step == 1 ? 1 : 4;
  const int limit = image.width * step - load_bytes - (blends ? step : 0);
  wide_ = static_cast<int>(std::upper_bound(offsets_.begin(), offsets_.end(), limit) -
                           offsets_.begin());
}

void BilinearSampler::operator()(PixelRows& source, int y, float* /*scratch*/,
                                 const ChannelRows& result) const {
  const auto i = static_cast<std::size_t>(y);
  Row row{};
  row.upper = source(rows_.first[i]);
  row.fraction = rows_.fraction[i];
  if (row.fraction != 0) row.lower = source(std::min(rows_.first[i] + 1, last_row_));
  row.offsets = offsets_.data();
  row.fractions = fractions_.empty() ? nullptr : fractions_.data();
  row.count = static_cast<int>(offsets_.size());
  row.wide = wide_;
  row.step = step_;
  row.last_offset = last_offset_;
  sample_row(row, channels_, result);
}

}  // namespace edgecv
