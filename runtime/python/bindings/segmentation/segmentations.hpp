// Class maps as NumPy arrays.
#pragma once

#include <utility>

#include "arrays.hpp"
#include "edgecv/segmentation/segment.hpp"

namespace edgecv::bindings {

/// (mask uint8 or uint16 [H, W], probabilities float32 [classes, H, W] or None).
inline nb::tuple to_tuple(Segmentation map, std::size_t classes) {
  const auto height = static_cast<std::size_t>(map.size.height);
  const auto width = static_cast<std::size_t>(map.size.width);
  const nb::object mask = map.wide_mask.empty()
                              ? nb::cast(to_numpy(std::move(map.mask), {height, width}))
                              : nb::cast(to_numpy(std::move(map.wide_mask), {height, width}));
  if (map.probabilities.empty()) return nb::make_tuple(mask, nb::none());
  return nb::make_tuple(mask, to_numpy(std::move(map.probabilities), {classes, height, width}));
}

}  // namespace edgecv::bindings
