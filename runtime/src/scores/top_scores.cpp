#include "scores/top_scores.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "simd/clones.hpp"

namespace edgecv {
namespace {

constexpr std::size_t columns = 16;

/// Cuts the scores into groups, each of them `rows` scores that lie `columns` apart, and writes the
/// best of each group; the last groups may be smaller. Returns false on NaN and infinity.
EDGECV_INLINE bool group_maxima_once(const float* scores, std::size_t count, std::size_t rows,
                                     float* maxima) {
  float poison[columns] = {};
  for (std::size_t start = 0; start < count; start += rows * columns, maxima += columns) {
    const std::size_t end = start + rows * columns < count ? start + rows * columns : count;
    float best[columns];
    for (float& value : best) value = std::numeric_limits<float>::lowest();
    std::size_t i = start;
    for (; i + columns <= end; i += columns) {
      for (std::size_t k = 0; k < columns; ++k) {
        best[k] = scores[i + k] > best[k] ? scores[i + k] : best[k];
        poison[k] += scores[i + k] * 0.f;
      }
    }
    for (std::size_t k = 0; i + k < end; ++k) {
      best[k] = scores[i + k] > best[k] ? scores[i + k] : best[k];
      poison[k] += scores[i + k] * 0.f;
    }
    for (std::size_t k = 0; k < columns; ++k) maxima[k] = best[k];
  }
  float sum = 0;
  for (const float value : poison) sum += value;
  return !std::isnan(sum);
}
constexpr auto group_maxima = clones<group_maxima_once>;

/// The first row of `columns` scores from `row` on that holds one reaching the bound.
EDGECV_INLINE std::size_t next_row_reaching_once(const float* scores, std::size_t row,
                                                 std::size_t rows, float bound) {
  for (; row < rows; ++row) {
    int hits = 0;
    for (std::size_t k = 0; k < columns; ++k) hits |= scores[row * columns + k] >= bound;
    if (hits) break;
  }
  return row;
}
constexpr auto next_row_reaching = clones<next_row_reaching_once>;

}  // namespace

bool lower_bound_of_best(const float* scores, std::size_t count, std::size_t wanted,
                         std::vector<float>& scratch, float* bound) {
  // Groups do not overlap: if `wanted` groups have a maximum of at least x, that many scores have.
  const std::size_t rows = std::max<std::size_t>(count / (2 * std::max<std::size_t>(wanted, 1)), 1);
  scratch.resize((count + rows * columns - 1) / (rows * columns) * columns);
  if (!group_maxima(scores, count, rows, scratch.data())) return false;
  *bound = std::numeric_limits<float>::lowest();
  if (wanted > 0 && wanted < count && wanted <= scratch.size()) {
    std::nth_element(scratch.begin(), scratch.begin() + (wanted - 1), scratch.end(),
                     std::greater<float>());
    *bound = scratch[wanted - 1];
  }
  return true;
}

void append_reaching(const float* scores, std::size_t count, float bound,
                     std::vector<std::uint32_t>& indices) {
  const std::size_t rows = count / columns;
  const auto append_from = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (scores[i] >= bound) indices.push_back(static_cast<std::uint32_t>(i));
    }
  };
  for (std::size_t row = 0; (row = next_row_reaching(scores, row, rows, bound)) < rows; ++row) {
    append_from(row * columns, (row + 1) * columns);
  }
  append_from(rows * columns, count);
}

}  // namespace edgecv
