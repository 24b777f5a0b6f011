#include "image/filtered.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "simd/clones.hpp"
#include "simd/vector.hpp"

namespace edgecv {
namespace {

constexpr int rows_at_once = 4;
constexpr int lanes = 4;
using Pixel = Floats<lanes>;
constexpr int block = 128;  // outputs at a time, so that their sums stay in the first-level cache

/// sum[i] (+)= the weighted sum of four rows.
template <bool first>
EDGECV_INLINE void add_four(const std::uint8_t* const* rows, const float* weights, int count,
                            float* sum) {
  const std::uint8_t *const r0 = rows[0], *const r1 = rows[1], *const r2 = rows[2],
                            *const r3 = rows[3];
  const float w0 = weights[0], w1 = weights[1], w2 = weights[2], w3 = weights[3];
  for (int i = 0; i < count; ++i) {
    const float value = (w0 * static_cast<float>(r0[i]) + w1 * static_cast<float>(r1[i])) +
                        (w2 * static_cast<float>(r2[i]) + w3 * static_cast<float>(r3[i]));
    sum[i] = first ? value : sum[i] + value;
  }
}

EDGECV_CLONES void add_rows(const std::uint8_t* const* rows, const float* weights, bool first,
                            int count, float* sum) {
  if (first) {
    add_four<true>(rows, weights, count, sum);
  } else {
    add_four<false>(rows, weights, count, sum);
  }
}

/// Filters along the row: for each output the weighted sum of `taps` pixels. One of 3 or 4 bytes is
/// taken as four floats, gray as one.
template <int step>
EDGECV_INLINE void filter_columns(const float* row, const FilterAxis& columns, int begin, int count,
                                  float* sums) {
  const int taps = columns.taps;
  const int* const first = columns.first.data() + begin;
  const float* weight = columns.weights.data() + static_cast<std::ptrdiff_t>(begin) * taps;
  for (int x = 0; x < count; ++x, weight += taps) {
    const float* pixel = row + static_cast<std::ptrdiff_t>(first[x]) * step;
    if constexpr (step == 1) {
      float sum = 0;
      for (int j = 0; j < taps; ++j) sum += weight[j] * pixel[j];
      sums[x] = sum;
    } else {
      Pixel sum{};
      for (int j = 0; j < taps; ++j, pixel += step)
        sum += splat<Pixel>(weight[j]) * load<Pixel>(pixel);
      store(sums + x * lanes, sum);
    }
  }
}

template <int step>
EDGECV_INLINE void filter_row(const float* row, const FilterAxis& columns,
                              const ChannelMap& channels, const ChannelRows& result) {
  constexpr int width = step == 1 ? 1 : lanes;
  const int count = static_cast<int>(columns.first.size());
  float sums[block * width];
  for (int begin = 0; begin < count; begin += block) {
    const int size = std::min(block, count - begin);
    filter_columns<step>(row, columns, begin, size, sums);
    for (int c = 0; c < channels.count; ++c) {
      const auto channel = static_cast<std::size_t>(c);
      const float gain = channels.gain[channel];
      const float offset = channels.offset[channel];
      const float* const sum = sums + channels.lane[channel];
      float* const out = result[channel] + begin;
      for (int x = 0; x < size; ++x) out[x] = sum[x * width] * gain + offset;
    }
  }
}

EDGECV_CLONES void filter_any(const float* row, int step, const FilterAxis& columns,
                              const ChannelMap& channels, const ChannelRows& result) {
  if (step == 1) {
    filter_row<1>(row, columns, channels, result);
  } else if (step == 3) {
    filter_row<3>(row, columns, channels, result);
  } else {
    filter_row<4>(row, columns, channels, result);
  }
}

}  // namespace

FilterSampler::FilterSampler(FilterAxis columns, FilterAxis rows, Size image, int step,
                             const ChannelMap& channels)
    : columns_(std::move(columns)),
      rows_(std::move(rows)),
      row_bytes_(image.width * step),
      step_(step),
      channels_(channels) {}

// The last pixel of 3 bytes is read as 4 floats.
std::size_t FilterSampler::scratch_size() const { return static_cast<std::size_t>(row_bytes_) + 1; }

void FilterSampler::operator()(PixelRows& source, int y, float* scratch,
                               const ChannelRows& result) const {
  const auto i = static_cast<std::size_t>(y);
  const float* const row_weights = &rows_.weights[i * static_cast<std::size_t>(rows_.taps)];
  const std::uint8_t* group[rows_at_once];
  float weights[rows_at_once];
  int filled = 0;
  bool first = true;
  const auto add_group = [&] {
    for (; filled < rows_at_once; ++filled) {
      group[filled] = group[0];
      weights[filled] = 0;
    }
    add_rows(group, weights, first, row_bytes_, scratch);
    filled = 0;
    first = false;
  };
  for (int j = 0; j < rows_.taps; ++j) {
    if (row_weights[j] == 0) continue;
    group[filled] = source(rows_.first[i] + j);
    weights[filled] = row_weights[j];
    if (++filled == rows_at_once) add_group();
  }
  if (filled != 0) add_group();
  filter_any(scratch, step_, columns_, channels_, result);
}

}  // namespace edgecv
