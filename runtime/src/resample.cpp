#include "resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace edgecv {
namespace {

// Positions are computed in float32 and in torch's order: at column 1900 a position from float64
// differs by 1e-4 of a pixel, which shows in the result.
float scale_of(AxisRange range) {
  return static_cast<float>(range.input) / static_cast<float>(range.output);
}

LinearAxis empty_axis(AxisRange range) {
  const auto count = static_cast<std::size_t>(range.count);
  return {std::vector<int>(count), std::vector<float>(count)};
}

}  // namespace

LinearAxis linear_axis(AxisRange range) {
  LinearAxis axis = empty_axis(range);
  const float scale = scale_of(range);
  const int last = range.input - 1;
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    const float centre = static_cast<float>(range.begin + static_cast<int>(i)) + 0.5f;
    const float position = std::max(scale * centre - 0.5f, 0.0f);
    const int first = std::min(static_cast<int>(position), last);
    axis.first[i] = first;
    axis.fraction[i] = first == last ? 0.0f : std::min(position - static_cast<float>(first), 1.0f);
  }
  return axis;
}

LinearAxis nearest_axis(AxisRange range) {
  LinearAxis axis = empty_axis(range);
  const float scale = scale_of(range);
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    const double centre = range.begin + static_cast<int>(i) + 0.5;
    const auto position = static_cast<float>(centre * static_cast<double>(scale));
    axis.first[i] = std::min(static_cast<int>(position), range.input - 1);
  }
  return axis;
}

FilterAxis triangle_axis(AxisRange range) {
  const float scale = scale_of(range);
  const float support = std::max(scale, 1.0f);
  const float inverse = 1.0f / support;
  const int most = std::min(static_cast<int>(std::ceil(support)) * 2 + 1, range.input);

  FilterAxis axis;
  axis.taps = most;
  axis.first.resize(static_cast<std::size_t>(range.count));
  axis.weights.assign(axis.first.size() * static_cast<std::size_t>(most), 0.0f);
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    const float centre =
        static_cast<float>(static_cast<double>(scale) * (range.begin + static_cast<int>(i) + 0.5));
    const int begin = std::max(static_cast<int>(static_cast<double>(centre - support) + 0.5), 0);
    const int end =
        std::min(static_cast<int>(static_cast<double>(centre + support) + 0.5), range.input);
    const int taps = std::clamp(end - begin, 0, most);
    // Near the end of the axis the window moves back so that all of its taps are samples.
    const int first = std::min(begin, range.input - most);
    float* const weights = &axis.weights[i * static_cast<std::size_t>(most)] + (begin - first);
    float total = 0;
    for (int j = 0; j < taps; ++j) {
      const float distance = (static_cast<float>(begin + j) - centre + 0.5f) * inverse;
      weights[j] = std::max(1.0f - std::abs(distance), 0.0f);
      total += weights[j];
    }
    if (total != 0) {
      for (int j = 0; j < taps; ++j) weights[j] /= total;
    }
    axis.first[i] = first;
  }
  return axis;
}

}  // namespace edgecv
