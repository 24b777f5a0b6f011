// Rows of an image resampled from two columns and two rows, without a filter.
#pragma once

#include <cstddef>

#include "image/channel_map.hpp"
#include "image/pixel_rows.hpp"
#include "image/resample.hpp"
#include "threads/recycled.hpp"

namespace edgecv {

class BilinearSampler {
 public:
  /// `width`: pixels in a row of the image.
  BilinearSampler(const LinearAxis& columns, LinearAxis rows, Size image, int step,
                  const ChannelMap& channels);

  /// Consecutive source rows that it reads at a time.
  int kept_rows() const { return 2; }

  /// Floats of scratch memory that one call needs.
  std::size_t scratch_size() const { return 0; }

  /// Output row y, normalised. Reads no byte outside the image's rows.
  void operator()(PixelRows& source, int y, float* scratch, const ChannelRows& result) const;

 private:
  LinearAxis rows_;
  int last_row_;
  Recycled<int> offsets_;      // bytes from the row's start to the left source pixel
  Recycled<float> fractions_;  // empty where all are 0: one source column is enough
  int last_offset_;            // of the row's last pixel
  int wide_;                   // outputs before this one may use wide loads
  int step_;
  ChannelMap channels_;
};

}  // namespace edgecv
