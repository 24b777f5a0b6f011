// Kernels of dense.cpp, for each level of processors.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scores/class_scores.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

/// The rows whose best logit is above the limit. Returns false on NaN and infinity.
EDGECV_KERNEL bool promising_rows(const float* logits, std::size_t classes, std::size_t begin,
                                  std::size_t end, float limit, std::vector<std::uint32_t>& rows) {
  float poison[lanes] = {};
  for (std::size_t a = begin; a < end; ++a) {
    if (maximum(logits + a * classes, classes, poison) > limit) {
      rows.push_back(static_cast<std::uint32_t>(a));
    }
  }
  return clean(poison);
}

/// Scores of all classes of a row; `centerness` is null for RetinaNet.
EDGECV_KERNEL void row_scores(const float* logits, const float* centerness, std::size_t classes,
                              float* scores) {
  if (centerness == nullptr) {
    for (std::size_t c = 0; c < classes; ++c) scores[c] = sigmoid(logits[c]);
    return;
  }
  const float inside = sigmoid(*centerness);
  for (std::size_t c = 0; c < classes; ++c) scores[c] = std::sqrt(sigmoid(logits[c]) * inside);
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL
