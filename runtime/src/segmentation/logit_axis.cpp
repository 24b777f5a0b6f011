#include "segmentation/logit_axis.hpp"

#include <algorithm>
#include <cstddef>

namespace edgecv {

LinearAxis logit_axis(int cells, int tensor, int offset, int resized, int image) {
  // In float32 and in torch's order, as in linear_axis().
  const float scale = static_cast<float>(cells) / static_cast<float>(tensor);
  const float shrink = static_cast<float>(resized) / static_cast<float>(image);
  const int last = cells - 1;
  LinearAxis axis;
  axis.first.resize(static_cast<std::size_t>(image));
  axis.fraction.resize(axis.first.size());
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    const float centre = (static_cast<float>(i) + 0.5f) * shrink + static_cast<float>(offset);
    const float position = std::max(scale * centre - 0.5f, 0.0f);
    const int first = std::min(static_cast<int>(position), last);
    axis.first[i] = first;
    axis.fraction[i] = first == last ? 0.0f : std::min(position - static_cast<float>(first), 1.0f);
  }
  return axis;
}

bool is_identity(const LinearAxis& axis) {
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    if (axis.first[i] != static_cast<int>(i) || axis.fraction[i] != 0) return false;
  }
  return true;
}

}  // namespace edgecv
