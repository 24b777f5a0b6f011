// Kernels of class_map.cpp, for each level of processors.
#include <cstddef>
#include <cstdint>

#include "simd/vector.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

using Values = Floats<most_pixels_of_run>;
using Indices = Vector<std::int32_t, most_pixels_of_run>;

/// One class between two cells.
EDGECV_KERNEL_INLINE Values between(float left, float right, const Values& fraction) {
  return splat<Values>(left) + fraction * splat<Values>(right - left);
}

/// The largest class of each pixel of a row. `cells`: the row's logits, cell by cell with all
/// classes side by side, one cell more than there are at its end. `fractions` and `index` have room
/// for a vector beyond the row's end.
EDGECV_KERNEL void largest_in_row(const float* cells, int classes, const Run* runs,
                                  std::size_t count, const float* fractions, std::int32_t* index) {
  for (std::size_t i = 0; i < count; ++i) {
    const Run run = runs[i];
    const float* const left = cells + static_cast<std::ptrdiff_t>(run.cell) * classes;
    const float* const right = left + classes;
    const Values fraction = load<Values>(fractions + run.begin);
    Values best = between(left[0], right[0], fraction);
    Indices best_class{};
    int c = 1;
    for (; c + 1 < classes; c += 2) {
      // The better of two first: each step that waits for the one before is for two classes.
      Values value = between(left[c], right[c], fraction);
      Indices number = splat<Indices>(c);
      keep_larger(between(left[c + 1], right[c + 1], fraction), splat<Indices>(c + 1), value,
                  number);
      keep_larger(value, number, best, best_class);
    }
    if (c < classes) {
      keep_larger(between(left[c], right[c], fraction), splat<Indices>(c), best, best_class);
    }
    store(index + run.begin, best_class);
  }
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL
