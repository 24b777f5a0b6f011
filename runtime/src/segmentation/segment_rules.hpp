// What images a network for segmentation may be given.
#pragma once

#include <optional>

#include "edgecv/image/input_spec.hpp"
#include "edgecv/segmentation/segment.hpp"

namespace edgecv {

/// Throws Error (invalid_input) naming the key of the manifest: a centre crop; or windows that
/// cannot be, or do not fit the input record.
void check_segment_input(const InputSpec& input, const std::optional<CropWindows>& windows);

}  // namespace edgecv
