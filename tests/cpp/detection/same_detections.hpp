// Detections of two implementations compared.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "edgecv/detection/detections.hpp"

namespace edgecv::testing {

/// The same detections in the same order, but that scores equal to rounding may change places.
inline void check_equal(const Detections& got, const Detections& expected) {
  REQUIRE(got.scores.size() == expected.scores.size());
  const std::size_t count = got.scores.size();
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(got.scores[i] == doctest::Approx(expected.scores[i]).epsilon(1e-5));
    bool found = false;
    for (std::size_t j = i < 2 ? 0 : i - 2; j < std::min(count, i + 3); ++j) {
      found |= got.labels[j] == expected.labels[i] &&
               std::abs(got.scores[j] - expected.scores[i]) < 1e-6f &&
               std::equal(&got.boxes[4 * j], &got.boxes[4 * j] + 4, &expected.boxes[4 * i]);
    }
    CHECK(found);
  }
}

}  // namespace edgecv::testing
