#include "edgecv/dense.hpp"

namespace edgecv {

std::vector<Size> feature_sizes(const DenseSpec& spec, Size tensor) {
  std::vector<Size> sizes;
  for (const int stride : spec.strides) {
    sizes.push_back({(tensor.height + stride - 1) / stride, (tensor.width + stride - 1) / stride});
  }
  return sizes;
}

std::int64_t anchor_count(const DenseSpec& spec, Size tensor) {
  std::int64_t count = 0;
  const std::vector<Size> sizes = feature_sizes(spec, tensor);
  for (std::size_t level = 0; level < sizes.size(); ++level) {
    count += std::int64_t{sizes[level].height} * sizes[level].width * spec.anchors.per_cell(level);
  }
  return count;
}

}  // namespace edgecv
