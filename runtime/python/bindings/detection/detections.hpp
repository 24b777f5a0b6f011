// Detections as NumPy arrays.
#pragma once

#include <nanobind/stl/vector.h>

#include <utility>

#include "arrays.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/detection/two_stage_detector.hpp"

namespace edgecv::bindings {

/// (boxes float32 [N, 4], scores float32 [N], labels int64 [N]).
inline nb::tuple to_tuple(Detections detections) {
  const std::size_t count = detections.scores.size();
  return nb::make_tuple(to_numpy(std::move(detections.boxes), {count, 4}),
                        to_numpy(std::move(detections.scores), {count}),
                        to_numpy(std::move(detections.labels), {count}));
}

/// The same and the masks.
inline nb::tuple to_tuple(Instances instances) {
  const nb::tuple found = to_tuple(std::move(instances.detections));
  return nb::make_tuple(found[0], found[1], found[2], nb::cast(std::move(instances.masks)));
}

}  // namespace edgecv::bindings
