// Kernels of class_rows.cpp, for each level of processors.
#include <cstddef>
#include <cstring>

#include "scores/class_scores.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

constexpr std::size_t block = 256;  // pixels at a time: their sums stay in the first cache

EDGECV_KERNEL void softmax_block(float* values, std::size_t stride, int planes, std::size_t count) {
  float largest[block], sum[block] = {};
  std::memcpy(largest, values, count * sizeof(float));
  for (int plane = 1; plane < planes; ++plane) {
    const float* const row = values + static_cast<std::size_t>(plane) * stride;
    for (std::size_t k = 0; k < count; ++k) largest[k] = larger(row[k], largest[k]);
  }
  for (int plane = 0; plane < planes; ++plane) {
    float* const row = values + static_cast<std::size_t>(plane) * stride;
    for (std::size_t k = 0; k < count; ++k) {
      row[k] = exp_nonpositive(row[k] - largest[k]);
      sum[k] += row[k];
    }
  }
  for (int plane = 0; plane < planes; ++plane) {
    float* const row = values + static_cast<std::size_t>(plane) * stride;
    for (std::size_t k = 0; k < count; ++k) row[k] /= sum[k];
  }
}

EDGECV_KERNEL void sigmoid_block(float* values, std::size_t stride, int planes, std::size_t count) {
  for (int plane = 0; plane < planes; ++plane, values += stride) {
    for (std::size_t k = 0; k < count; ++k) values[k] = sigmoid(values[k]);
  }
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL
