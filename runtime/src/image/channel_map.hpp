// How packed pixels become the channels of a tensor.
#pragma once

#include <array>

#include "edgecv/image/input_spec.hpp"
#include "image/pixel_rows.hpp"

namespace edgecv {

/// Channel c of the tensor is gain[c] * v + offset[c], v being byte lane[c] of the pixel,
/// resampled.
struct ChannelMap {
  int count = 0;
  std::array<int, 3> lane{};
  std::array<float, 3> gain{};
  std::array<float, 3> offset{};
};

ChannelMap channel_map(const InputSpec& spec, const PackedFormat& format);

/// Where the channels of one row of the tensor go, as float32.
using ChannelRows = std::array<float*, 3>;

}  // namespace edgecv
