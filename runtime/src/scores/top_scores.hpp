// The best few of very many scores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace edgecv {

/// A value that at least `wanted` of `scores` reach, and not many more where scores are spread; the
/// lowest float if there are not that many. Returns false if a score is NaN or infinite.
bool lower_bound_of_best(const float* scores, std::size_t count, std::size_t wanted,
                         std::vector<float>& scratch, float* bound);

/// Appends the indices of all scores that reach `bound`, in rising order.
void append_reaching(const float* scores, std::size_t count, float bound,
                     std::vector<std::uint32_t>& indices);

}  // namespace edgecv
