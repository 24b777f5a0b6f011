#include "edgecv/boxes/anchors.hpp"

#include <algorithm>
#include <cmath>

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

void require(bool condition, const char* message) {
  if (!condition) throw Error(ErrorCode::invalid_input, message);
}

void append_default_boxes(const DefaultBoxes& spec, std::size_t level, Size input,
                          std::vector<float>& boxes) {
  const double scale = spec.scales[level];
  const double between = std::sqrt(scale * spec.scales[level + 1]);
  std::vector<std::pair<float, float>> sides{{scale, scale}, {between, between}};  // width, height
  for (const double ratio : spec.aspect_ratios[level]) {
    const double root = std::sqrt(ratio);
    sides.emplace_back(scale * root, scale / root);
    sides.emplace_back(scale / root, scale * root);
  }
  if (spec.clip) {
    for (auto& [width, height] : sides) {
      width = std::clamp(width, 0.f, 1.f);
      height = std::clamp(height, 0.f, 1.f);
    }
  }
  const Size feature = spec.feature_sizes[level];
  const bool stepped = !spec.steps.empty();
  const double columns = stepped ? input.width / spec.steps[level] : feature.width;
  const double rows = stepped ? input.height / spec.steps[level] : feature.height;
  const float image_width = static_cast<float>(input.width);
  const float image_height = static_cast<float>(input.height);
  for (int i = 0; i < feature.height; ++i) {
    const float y = static_cast<float>(i + 0.5f) / static_cast<float>(rows);
    for (int j = 0; j < feature.width; ++j) {
      const float x = static_cast<float>(j + 0.5f) / static_cast<float>(columns);
      for (const auto& [width, height] : sides) {
        boxes.insert(boxes.end(),
                     {(x - 0.5f * width) * image_width, (y - 0.5f * height) * image_height,
                      (x + 0.5f * width) * image_width, (y + 0.5f * height) * image_height});
      }
    }
  }
}

std::vector<float> generate(const DefaultBoxes& spec, Size input) {
  const std::size_t levels = spec.feature_sizes.size();
  require(
      spec.aspect_ratios.size() == levels && spec.scales.size() == levels + 1 &&
          (spec.steps.empty() || spec.steps.size() == levels),
      "default boxes: expected one list of aspect ratios and one step per feature size, and one "
      "scale more");
  std::vector<float> boxes;
  for (std::size_t level = 0; level < levels; ++level) {
    append_default_boxes(spec, level, input, boxes);
  }
  return boxes;
}

std::vector<float> generate(const MultiboxPrior& spec, Size input) {
  const std::size_t levels = spec.feature_sizes.size();
  require(spec.scales.size() == levels && spec.ratios.size() == levels,
          "multibox prior: expected one list of scales and one of ratios per feature size");
  std::vector<float> boxes;
  for (std::size_t level = 0; level < levels; ++level) {
    std::vector<float> part =
        multibox_prior(spec.feature_sizes[level], spec.scales[level], spec.ratios[level],
                       spec.pixel_ratios ? &input : nullptr);
    for (std::size_t i = 0; i < part.size(); ++i) {
      part[i] *= static_cast<float>(i % 2 ? input.height : input.width);
    }
    boxes.insert(boxes.end(), part.begin(), part.end());
  }
  return boxes;
}

}  // namespace

std::vector<float> multibox_prior(Size feature, const std::vector<float>& scales,
                                  const std::vector<float>& ratios, const Size* image) {
  require(feature.height > 0 && feature.width > 0, "multibox_prior: feature_size must be positive");
  require(!scales.empty() && !ratios.empty(),
          "multibox_prior: expected at least one scale and one ratio");
  const auto positive = [](float value) { return value > 0 && std::isfinite(value); };
  require(std::all_of(scales.begin(), scales.end(), positive) &&
              std::all_of(ratios.begin(), ratios.end(), positive),
          "multibox_prior: scales and ratios must be positive");
  require(!image || (image->height > 0 && image->width > 0),
          "multibox_prior: image_size must be positive");

  const float aspect = image ? static_cast<float>(image->height) / image->width : 1.f;
  std::vector<std::pair<float, float>> half_sides;  // width, height
  const auto add = [&](float scale, float ratio) {
    const float root = std::sqrt(ratio);
    half_sides.emplace_back(scale * root * aspect / 2, scale / root / 2);
  };
  for (const float scale : scales) add(scale, ratios[0]);
  for (std::size_t i = 1; i < ratios.size(); ++i) add(scales[0], ratios[i]);

  std::vector<float> boxes;
  boxes.reserve(4 * half_sides.size() * feature.height * feature.width);
  for (int i = 0; i < feature.height; ++i) {
    const float y = (i + 0.5f) / feature.height;
    for (int j = 0; j < feature.width; ++j) {
      const float x = (j + 0.5f) / feature.width;
      for (const auto& [width, height] : half_sides) {
        boxes.insert(boxes.end(), {x - width, y - height, x + width, y + height});
      }
    }
  }
  return boxes;
}

std::vector<float> generate_anchors(const AnchorSpec& spec, Size input) {
  return std::visit([input](const auto& parameters) { return generate(parameters, input); }, spec);
}

}  // namespace edgecv
