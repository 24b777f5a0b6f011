// Rows of an image resampled with a filter of several columns and rows (antialias, bicubic).
#pragma once

#include <cstddef>

#include "image/channel_map.hpp"
#include "image/pixel_rows.hpp"
#include "image/resample.hpp"

namespace edgecv {

class FilterSampler {
 public:
  FilterSampler(FilterAxis columns, FilterAxis rows, Size image, int step,
                const ChannelMap& channels);

  /// Consecutive source rows that it reads at a time.
  int kept_rows() const { return rows_.taps; }

  /// Floats of scratch memory that one call needs.
  std::size_t scratch_size() const;

  /// Output row y, normalised. Reads no byte outside the image's rows.
  void operator()(PixelRows& source, int y, float* scratch, const ChannelRows& result) const;

 private:
  FilterAxis columns_;
  FilterAxis rows_;
  int row_bytes_;
  int step_;
  ChannelMap channels_;
};

}  // namespace edgecv
