// Kernels of filtered.cpp, for each level of processors.
#include <algorithm>
#include <cstddef>

#include "simd/vector.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

constexpr int lanes = 4;
using Pixel = Floats<lanes>;
constexpr int block = 128;  // outputs at a time, so that their sums stay in the first-level cache

/// Filters along the row: for each output the weighted sum of `taps` pixels. One of 3 or 4 bytes is
/// taken as four floats, gray as one.
template <int step>
EDGECV_KERNEL_INLINE void filter_columns(const float* row, const FilterAxis& columns, int begin,
                                         int count, float* sums) {
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
EDGECV_KERNEL_INLINE void filter_row(const float* row, const FilterAxis& columns,
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

EDGECV_KERNEL void filter_any(const float* row, int step, const FilterAxis& columns,
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
}  // namespace edgecv::EDGECV_LEVEL
