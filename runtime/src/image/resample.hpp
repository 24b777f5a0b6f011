// Which source samples make each output sample along one axis of an image.
#pragma once

#include "threads/recycled.hpp"

namespace edgecv {

/// Outputs [begin, begin + count) of an axis resized from `input` to `output` samples.
struct AxisRange {
  int input;
  int output;
  int begin;
  int count;
};

/// Output i is s[first[i]] + fraction[i] * (s[first[i] + 1] - s[first[i]]). Where first[i] is the
/// last sample, fraction[i] is 0.
struct LinearAxis {
  Recycled<int> first;
  Recycled<float> fraction;
};

/// Output i is the sum of weights[i * taps + j] * s[first[i] + j] over j < taps; all of them are
/// samples of the axis.
struct FilterAxis {
  int taps = 0;
  Recycled<int> first;
  Recycled<float> weights;
};

/// torch.nn.functional.interpolate(mode="bilinear", align_corners=False).
LinearAxis linear_axis(AxisRange range);

/// mode="nearest-exact": the sample whose centre is nearest; every fraction is 0.
LinearAxis nearest_axis(AxisRange range);

/// mode="bilinear", antialias=True: a triangle as wide as the reduction.
FilterAxis triangle_axis(AxisRange range);

/// mode="bicubic": Keys' convolution over four samples with a = -0.75, those beyond the ends
/// repeating the last (IEEE Trans. ASSP 29(6), 1981). Values may overshoot.
FilterAxis cubic_axis(AxisRange range);

/// mode="bicubic", antialias=True: the same with a = -0.5, as wide as the reduction and cut at the
/// ends.
FilterAxis antialiased_cubic_axis(AxisRange range);

}  // namespace edgecv
