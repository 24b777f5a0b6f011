#include "image/filtered.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "simd/clones.hpp"

#define EDGECV_KERNELS "image/filtered_kernels.hpp"
#include "simd/each_level.hpp"

namespace edgecv {
namespace {

constexpr int rows_at_once = 4;

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

EDGECV_INLINE void add_rows_once(const std::uint8_t* const* rows, const float* weights, bool first,
                                 int count, float* sum) {
  if (first) {
    add_four<true>(rows, weights, count, sum);
  } else {
    add_four<false>(rows, weights, count, sum);
  }
}
constexpr auto add_rows = clones<add_rows_once>;

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
  EDGECV_BEST_LEVEL(filter_any)(scratch, step_, columns_, channels_, result);
}

}  // namespace edgecv
