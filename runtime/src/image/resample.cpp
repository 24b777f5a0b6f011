#include "image/resample.hpp"

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
  return {Recycled<int>(count), Recycled<float>(count)};
}

/// Keys' kernel at a distance of 0 to 1 and of 1 to 2, in torch's order of operations.
float near_cubic(float x, float a) { return ((a + 2) * x - (a + 3)) * x * x + 1; }
float far_cubic(float x, float a) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; }

float triangle(float distance) { return std::max(1.0f - std::abs(distance), 0.0f); }

float cubic(float distance) {
  constexpr float a = -0.5f;
  const float x = std::abs(distance);
  return x < 1 ? near_cubic(x, a) : x < 2 ? far_cubic(x, a) : 0.0f;
}

/// A filter that reaches `radius` samples, or as much further as the axis is reduced.
FilterAxis filter_axis(AxisRange range, float radius, float (*filter)(float)) {
  const float scale = scale_of(range);
  const float support = radius * std::max(scale, 1.0f);
  const float inverse = 1.0f / std::max(scale, 1.0f);
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
      weights[j] = filter((static_cast<float>(begin + j) - centre + 0.5f) * inverse);
      total += weights[j];
    }
    if (total != 0) {
      for (int j = 0; j < taps; ++j) weights[j] /= total;
    }
    axis.first[i] = first;
  }
  return axis;
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

FilterAxis triangle_axis(AxisRange range) { return filter_axis(range, 1, triangle); }

FilterAxis antialiased_cubic_axis(AxisRange range) { return filter_axis(range, 2, cubic); }

FilterAxis cubic_axis(AxisRange range) {
  constexpr float a = -0.75f;
  const float scale = scale_of(range);
  FilterAxis axis;
  axis.taps = std::min(4, range.input);
  axis.first.resize(static_cast<std::size_t>(range.count));
  axis.weights.assign(axis.first.size() * static_cast<std::size_t>(axis.taps), 0.0f);
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    const float centre = static_cast<float>(range.begin + static_cast<int>(i)) + 0.5f;
    const float position = scale * centre - 0.5f;
    const int sample = std::min(static_cast<int>(std::floor(position)), range.input - 1);
    const float t = std::clamp(position - static_cast<float>(sample), 0.0f, 1.0f);
    const float weights[4] = {far_cubic(t + 1, a), near_cubic(t, a), near_cubic(1 - t, a),
                              far_cubic(2 - t, a)};
    axis.first[i] = std::clamp(sample - 1, 0, range.input - axis.taps);
    for (int j = 0; j < 4; ++j) {
      const int tap = std::clamp(sample - 1 + j, 0, range.input - 1) - axis.first[i];
      axis.weights[i * static_cast<std::size_t>(axis.taps) + static_cast<std::size_t>(tap)] +=
          weights[j];
    }
  }
  return axis;
}

}  // namespace edgecv
