#include "segmentation/class_rows.hpp"

#include <algorithm>
#include <cstring>

#include "scores/class_scores.hpp"
#include "simd/clones.hpp"

namespace edgecv {
namespace {

template <typename Class>
EDGECV_CLONES void narrow(const std::int32_t* classes, std::size_t count, Class* result) {
  for (std::size_t k = 0; k < count; ++k) result[k] = static_cast<Class>(classes[k]);
}

constexpr std::size_t block = 256;  // pixels at a time: their sums stay in the first cache

EDGECV_CLONES void softmax_block(float* values, std::size_t stride, int planes, std::size_t count) {
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

EDGECV_CLONES void sigmoid_block(float* values, std::size_t stride, int planes, std::size_t count) {
  for (int plane = 0; plane < planes; ++plane, values += stride) {
    for (std::size_t k = 0; k < count; ++k) values[k] = sigmoid(values[k]);
  }
}

}  // namespace

Segmentation blank_map(Size size, int classes) {
  Segmentation map;
  map.size = size;
  const std::size_t pixels = static_cast<std::size_t>(size.height) * size.width;
  if (classes <= 256) {
    map.mask.resize(pixels);
  } else {
    map.wide_mask.resize(pixels);
  }
  return map;
}

void write_classes(const std::int32_t* classes, std::size_t count, std::size_t at,
                   Segmentation& map) {
  if (map.wide_mask.empty()) {
    narrow(classes, count, map.mask.data() + at);
  } else {
    narrow(classes, count, map.wide_mask.data() + at);
  }
}

void planes_to_scores(ScoreFunction function, float* values, std::size_t stride, int planes,
                      std::size_t count, Executor& pool) {
  if (function == ScoreFunction::none) return;
  const auto score = function == ScoreFunction::softmax ? softmax_block : sigmoid_block;
  const std::size_t blocks = (count + block - 1) / block;
  pool.parallel_for(static_cast<int>(blocks), 8, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      const std::size_t at = static_cast<std::size_t>(i) * block;
      score(values + at, stride, planes, std::min(block, count - at));
    }
  });
}

}  // namespace edgecv
