// Rows of class maps, and scores in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/segmentation/segment.hpp"
#include "edgecv/threads/executor.hpp"

namespace edgecv {

/// A class map without values yet.
Segmentation blank_map(Size size, int classes, Segmentation memory = {});

/// Writes classes of `count` pixels from pixel `at` on.
void write_classes(const std::int32_t* classes, std::size_t count, std::size_t at,
                   Segmentation& map);

/// Logits to scores, in place: `count` pixels in each of `planes`, `stride` floats apart.
void planes_to_scores(ScoreFunction function, float* values, std::size_t stride, int planes,
                      std::size_t count, Executor& pool);

}  // namespace edgecv
