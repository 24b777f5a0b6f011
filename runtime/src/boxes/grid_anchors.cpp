#include "edgecv/boxes/grid_anchors.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

bool all_positive(const std::vector<std::vector<float>>& lists) {
  return std::all_of(lists.begin(), lists.end(), [](const std::vector<float>& list) {
    return !list.empty() && std::all_of(list.begin(), list.end(), [](float value) {
      return value > 0 && std::isfinite(value);
    });
  });
}

}  // namespace

std::vector<float> cell_anchors(const GridAnchors& spec, std::size_t level,
                                std::vector<float> boxes) {
  boxes.clear();
  for (const float ratio : spec.aspect_ratios[level]) {
    const float height_ratio = std::sqrt(ratio), width_ratio = 1 / height_ratio;
    for (const float size : spec.sizes[level]) {
      // Halves go to the even neighbour, as torch.round does.
      const float x = std::nearbyint(width_ratio * size / 2);
      const float y = std::nearbyint(height_ratio * size / 2);
      boxes.insert(boxes.end(), {-x, -y, x, y});
    }
  }
  return boxes;
}

Size grid_stride(Size feature, Size input) {
  if (feature.height < 1 || feature.width < 1 || input.height < 1 || input.width < 1) {
    const auto text = [](Size size) {
      return "[" + std::to_string(size.height) + ", " + std::to_string(size.width) + "]";
    };
    throw Error(ErrorCode::invalid_input, "anchors: the feature map is " + text(feature) +
                                              " and the network's input " + text(input) +
                                              ", all must be positive");
  }
  return {input.height / feature.height, input.width / feature.width};
}

std::vector<float> generate_anchors(const GridAnchors& spec, const std::vector<Size>& feature_sizes,
                                    Size input) {
  const std::size_t levels = feature_sizes.size();
  if (spec.sizes.size() != levels || spec.aspect_ratios.size() != levels) {
    throw Error(ErrorCode::invalid_input,
                "anchors: expected one list of sizes and one of aspect ratios for each of the " +
                    std::to_string(levels) + " feature maps, got " +
                    std::to_string(spec.sizes.size()) + " and " +
                    std::to_string(spec.aspect_ratios.size()));
  }
  if (!all_positive(spec.sizes) || !all_positive(spec.aspect_ratios)) {
    throw Error(ErrorCode::invalid_input,
                "anchors: expected at least one size and one aspect ratio per level, all positive");
  }
  std::vector<float> boxes;
  for (std::size_t level = 0; level < levels; ++level) {
    const Size feature = feature_sizes[level];
    const Size stride = grid_stride(feature, input);
    const std::vector<float> cell = cell_anchors(spec, level);
    const std::size_t cells = static_cast<std::size_t>(feature.height) * feature.width;
    boxes.reserve(boxes.size() + cells * cell.size());
    for (int row = 0; row < feature.height; ++row) {
      const float y = static_cast<float>(row * stride.height);
      for (int column = 0; column < feature.width; ++column) {
        const float x = static_cast<float>(column * stride.width);
        for (std::size_t k = 0; k < cell.size(); ++k) boxes.push_back(cell[k] + (k % 2 ? y : x));
      }
    }
  }
  return boxes;
}

}  // namespace edgecv
