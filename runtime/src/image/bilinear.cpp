#include "image/bilinear.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "simd/clones.hpp"

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
  int wide;  // outputs before this one may use wide loads
  int step;
  int last_offset;
  const std::uint8_t* next_upper;  // source rows of the next output row; null: not in memory yet
  const std::uint8_t* next_lower;
};

/// Bytes that a wide load takes: two pixels of 3 or 4 bytes, or one.
constexpr int wide_bytes(bool gray, bool two_columns) {
  return gray ? (two_columns ? 2 : 1) : (two_columns ? 8 : 4);
}

/// The four source pixels of each output of a block; the first byte of a pixel is the lowest.
struct Corners {
  std::uint32_t upper_left[block], upper_right[block], lower_left[block], lower_right[block];
};

/// Two neighbouring pixels in one load of 8 bytes, or one pixel in 4; what else comes along is
/// masked out later.
template <bool gray, bool two_columns>
EDGECV_INLINE void load_wide(const std::uint8_t* pixel, int step, std::uint32_t& left,
                             std::uint32_t& right) {
  if constexpr (gray) {
    left = pixel[0];
    if (two_columns) right = pixel[1];
  } else if constexpr (two_columns) {
    std::uint64_t both;
    std::memcpy(&both, pixel, sizeof both);
    left = static_cast<std::uint32_t>(both);
    right = static_cast<std::uint32_t>(both >> (8 * step));
  } else {
    std::memcpy(&left, pixel, sizeof left);
  }
}

template <bool gray, bool two_columns, bool two_rows>
EDGECV_INLINE void gather_wide(const Row& row, int begin, int end, Corners& corners) {
#if defined(__clang__)
#pragma clang loop vectorize(disable)  // gather instructions are slower than single loads
#endif
  for (int x = begin, at = 0; x < end; ++x, ++at) {
    const int offset = row.offsets[x];
    load_wide<gray, two_columns>(row.upper + offset, row.step, corners.upper_left[at],
                                 corners.upper_right[at]);
    if (two_rows) {
      load_wide<gray, two_columns>(row.lower + offset, row.step, corners.lower_left[at],
                                   corners.lower_right[at]);
    }
  }
}

EDGECV_INLINE std::uint32_t load_bytes(const std::uint8_t* pixel, bool gray) {
  if (gray) return *pixel;
  return pixel[0] | std::uint32_t{pixel[1]} << 8 | std::uint32_t{pixel[2]} << 16;
}

/// For the end of a row, where a wide load would leave it.
EDGECV_INLINE void gather_bytes(const Row& row, bool gray, int begin, int end, Corners& corners,
                                int at) {
  const std::uint8_t* const lower = row.lower != nullptr ? row.lower : row.upper;
  for (int x = begin; x < end; ++x, ++at) {
    const int left = row.offsets[x];
    const int right = std::min(left + row.step, row.last_offset);
    corners.upper_left[at] = load_bytes(row.upper + left, gray);
    corners.upper_right[at] = load_bytes(row.upper + right, gray);
    corners.lower_left[at] = load_bytes(lower + left, gray);
    corners.lower_right[at] = load_bytes(lower + right, gray);
  }
}

EDGECV_INLINE void prefetch([[maybe_unused]] const std::uint8_t* address) {
#if defined(__GNUC__)
  __builtin_prefetch(address, 0, 2);  // reading, into the second-level cache
#endif
}

/// Asks for what the next output row will read in the same columns. A reduction jumps over source
/// rows, which hides its pattern from the processor's own prefetching.
EDGECV_INLINE void prefetch_next(const Row& row, int begin, int end) {
  if (row.next_upper == nullptr) return;
  constexpr int cache_line = 64;
  for (int offset = row.offsets[begin]; offset <= row.offsets[end - 1]; offset += cache_line) {
    prefetch(row.next_upper + offset);
    prefetch(row.next_lower + offset);
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
    gather_wide<gray, two_columns, two_rows>(row, begin, begin + wide, corners);
    gather_bytes(row, gray, begin + wide, begin + size, corners, wide);
    prefetch_next(row, begin, begin + size);
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

EDGECV_INLINE void sample_row_once(const Row& row, const ChannelMap& channels,
                                   const ChannelRows& result) {
  if (row.step == 1) {
    sample_any<true>(row, channels, result);
  } else {
    sample_any<false>(row, channels, result);
  }
}
constexpr auto sample_row = clones<sample_row_once>;

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
  const int limit = image.width * step - wide_bytes(step == 1, blends);
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
  const std::size_t next = i + 1;
  if (next < rows_.first.size()) {
    row.next_upper = source.in_place(rows_.first[next]);
    row.next_lower = source.in_place(std::min(rows_.first[next] + 1, last_row_));
  }
  sample_row(row, channels_, result);
}

}  // namespace edgecv
