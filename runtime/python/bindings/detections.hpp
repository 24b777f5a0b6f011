// Detections as NumPy arrays.
#pragma once

#include <utility>

#include "arrays.hpp"
#include "edgecv/detections.hpp"

namespace edgecv::bindings {

/// (boxes float32 [N, 4], scores float32 [N], labels int64 [N]).
inline nb::tuple to_tuple(Detections detections) {
  const std::size_t count = detections.scores.size();
  return nb::make_tuple(to_numpy(std::move(detections.boxes), {count, 4}),
                        to_numpy(std::move(detections.scores), {count}),
                        to_numpy(std::move(detections.labels), {count}));
}

}  // namespace edgecv::bindings
