#include "segmentation/class_rows.hpp"

#include <algorithm>
#include <cstring>

#include "simd/clones.hpp"

#define EDGECV_KERNELS "segmentation/class_rows_kernels.hpp"
#include "simd/each_level.hpp"

namespace edgecv {
namespace {

template <typename Class>
EDGECV_INLINE void narrow(const std::int32_t* classes, std::size_t count, Class* result) {
  for (std::size_t k = 0; k < count; ++k) result[k] = static_cast<Class>(classes[k]);
}

}  // namespace

Segmentation blank_map(Size size, int classes, Segmentation map) {
  map.size = size;
  const std::size_t pixels = static_cast<std::size_t>(size.height) * size.width;
  if (classes <= 256) {
    map.mask.resize(pixels);
    map.wide_mask.clear();
  } else {
    map.wide_mask.resize(pixels);
    map.mask.clear();
  }
  map.probabilities.clear();
  return map;
}

void write_classes(const std::int32_t* classes, std::size_t count, std::size_t at,
                   Segmentation& map) {
  if (map.wide_mask.empty()) {
    clones<narrow<std::uint8_t>>(classes, count, map.mask.data() + at);
  } else {
    clones<narrow<std::uint16_t>>(classes, count, map.wide_mask.data() + at);
  }
}

void planes_to_scores(ScoreFunction function, float* values, std::size_t stride, int planes,
                      std::size_t count, Executor& pool) {
  if (function == ScoreFunction::none) return;
  const auto score = function == ScoreFunction::softmax ? EDGECV_BEST_LEVEL(softmax_block)
                                                        : EDGECV_BEST_LEVEL(sigmoid_block);
  constexpr std::size_t block = base::block;
  const std::size_t blocks = (count + block - 1) / block;
  pool.parallel_for(static_cast<int>(blocks), 8, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      const std::size_t at = static_cast<std::size_t>(i) * block;
      score(values + at, stride, planes, std::min(block, count - at));
    }
  });
}

}  // namespace edgecv
