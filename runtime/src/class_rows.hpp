// Rows of class maps: the largest of many planes, and scores in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/segment.hpp"
#include "edgecv/thread_pool.hpp"

namespace edgecv {

/// A class map without values yet.
Segmentation blank_map(Size size, int classes);

/// Writes classes of `count` pixels from pixel `at` on.
void write_classes(const std::int32_t* classes, std::size_t count, std::size_t at,
                   Segmentation& map);

/// For each of `count` pixels the number of the plane with the largest value, of equal ones the
/// lowest; plane c begins at values + c * stride. `scratch` holds `count` floats. Returns false if
/// a value is NaN or infinite.
bool largest_plane(const float* values, std::size_t stride, int planes, std::size_t count,
                   float* scratch, std::int32_t* index);

/// Logits to scores, in place: `count` pixels in each of `planes`, `stride` floats apart.
void planes_to_scores(ScoreFunction function, float* values, std::size_t stride, int planes,
                      std::size_t count, ThreadPool& pool);

}  // namespace edgecv
