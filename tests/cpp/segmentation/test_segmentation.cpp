// Class maps of whole images and of windows, against their definitions in double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "detection/two_stage_doubles.hpp"
#include "edgecv/error.hpp"
#include "edgecv/segmentation/class_map.hpp"
#include "edgecv/segmentation/semantic_segmenter.hpp"
#include "edgecv/segmentation/window_blend.hpp"
#include "refusal.hpp"

using namespace edgecv;
using testing::refusal;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
using Values = std::vector<double>;

std::vector<float> random_logits(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

/// Bilinear with half-pixel centres: cells brought to `pixels`.
Values upsampled(const float* cells, Size from, Size to) {
  Values result;
  const auto place = [](int pixel, int pixels, int count, int& low, double& part) {
    const double at = std::clamp((pixel + 0.5) * count / pixels - 0.5, 0.0, count - 1.0);
    low = std::min(static_cast<int>(at), count - 1);
    part = at - low;
  };
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      int row, column;
      double down, across;
      place(y, to.height, from.height, row, down);
      place(x, to.width, from.width, column, across);
      const auto cell = [&](int dy, int dx) {
        const int r = std::min(row + dy, from.height - 1),
                  c = std::min(column + dx, from.width - 1);
        return static_cast<double>(cells[r * from.width + c]);
      };
      const double upper = cell(0, 0) * (1 - across) + cell(0, 1) * across;
      const double lower = cell(1, 0) * (1 - across) + cell(1, 1) * across;
      result.push_back(upper * (1 - down) + lower * down);
    }
  }
  return result;
}

/// Pixels whose class is not as good as the best.
int wrong_pixels(const Segmentation& map, const std::vector<Values>& planes) {
  int wrong = 0;
  const std::size_t pixels = planes[0].size();
  for (std::size_t i = 0; i < pixels; ++i) {
    double best = planes[0][i];
    for (const Values& plane : planes) best = std::max(best, plane[i]);
    const int label = map.mask.empty() ? map.wide_mask[i] : map.mask[i];
    wrong += planes[static_cast<std::size_t>(label)][i] < best - 1e-5;
  }
  return wrong;
}

Geometry as_it_is(Size size) {
  Geometry geometry;
  geometry.image = geometry.resized = geometry.tensor = size;
  return geometry;
}

/// What a call throws.
struct Grid {
  Size image;
  CropWindows windows;
  int classes;
  Size cells;
};

/// All windows' logits, one after another.
std::vector<float> logits_of(const Grid& grid, std::size_t windows) {
  return random_logits(windows * grid.classes * grid.cells.height * grid.cells.width, 7);
}

Segmentation blended(const Grid& grid, bool probabilities, int threads, StripMemory& memory) {
  ThreadPool pool(threads);
  WindowBlend blend(grid.image, grid.windows, grid.classes, probabilities, "logits", memory, pool);
  const std::vector<float> logits = logits_of(grid, blend.grid().count());
  const std::size_t one = logits.size() / blend.grid().count();
  for (std::size_t i = 0; i < blend.grid().count(); ++i) blend.add(&logits[i * one], grid.cells);
  return blend.finish(ScoreFunction::none);
}

/// The weighted mean of each class, window by window as the definition says.
std::vector<Values> averages(const Grid& grid) {
  const CropWindows& windows = grid.windows;
  const WindowGrid places = sliding_windows(grid.image, windows.size, windows.overlap);
  const std::vector<float> logits = logits_of(grid, places.count());
  const std::size_t plane = static_cast<std::size_t>(grid.cells.height) * grid.cells.width;
  const auto weight = [&](int i, int side) {
    const double distance = std::abs(i - (side - 1) / 2.0);
    if (windows.weight == WindowWeight::gaussian) {
      return std::exp(-0.5 * std::pow(distance / (side / 8.0), 2));
    }
    return windows.weight == WindowWeight::linear ? 1 - distance / ((side + 1) / 2.0) : 1.0;
  };
  const std::size_t pixels = static_cast<std::size_t>(grid.image.height) * grid.image.width;
  std::vector<Values> sums(grid.classes, Values(pixels));
  Values weights(pixels);
  for (std::size_t i = 0; i < places.count(); ++i) {
    const int top = places.tops[i / places.lefts.size()];
    const int left = places.lefts[i % places.lefts.size()];
    for (int c = 0; c < grid.classes; ++c) {
      const Values values =
          upsampled(&logits[(i * grid.classes + c) * plane], grid.cells, windows.size);
      for (int y = 0; y < places.window.height; ++y) {
        for (int x = 0; x < places.window.width; ++x) {
          const std::size_t at = static_cast<std::size_t>(top + y) * grid.image.width + left + x;
          double w = weight(y, windows.size.height) * weight(x, windows.size.width);
          if (windows.weight == WindowWeight::gaussian) w = std::max(w, 1e-3);
          sums[c][at] += w * values[static_cast<std::size_t>(y) * windows.size.width + x];
          if (c == 0) weights[at] += w;
        }
      }
    }
  }
  for (Values& plane_sums : sums) {
    for (std::size_t i = 0; i < pixels; ++i) plane_sums[i] /= weights[i];
  }
  return sums;
}

}  // namespace

TEST_CASE("upsampled class maps are those of the definition") {
  ThreadPool pool(2);
  for (const int classes : {1, 2, 21, 257}) {
    for (const auto& [size, cells] : {std::pair{Size{40, 64}, Size{5, 8}},
                                      {Size{33, 50}, Size{33, 50}},
                                      {Size{33, 50}, Size{4, 7}},
                                      {Size{7, 5}, Size{20, 30}},
                                      {Size{1, 70}, Size{1, 1}}}) {
      const std::size_t plane = static_cast<std::size_t>(cells.height) * cells.width;
      const std::vector<float> logits = random_logits(classes * plane, 3);
      std::vector<Values> expected;
      for (int c = 0; c < classes; ++c) {
        expected.push_back(upsampled(&logits[c * plane], cells, size));
      }
      const Segmentation map =
          upsample_argmax(logits.data(), classes, cells, as_it_is(size), "logits", pool);
      CHECK(map.mask.empty() == (classes > 256));
      CHECK(wrong_pixels(map, expected) == 0);
      const Segmentation scored = upsample_scores(logits.data(), classes, cells, as_it_is(size),
                                                  ScoreFunction::none, "logits", pool);
      CHECK(scored.mask == map.mask);
      CHECK(scored.wide_mask == map.wide_mask);
      float largest = 0;
      for (int c = 0; c < classes; ++c) {
        for (std::size_t i = 0; i < expected[c].size(); ++i) {
          largest = std::max(largest, std::abs(scored.probabilities[c * expected[c].size() + i] -
                                               static_cast<float>(expected[c][i])));
        }
      }
      CHECK(largest < 1e-4f);
    }
  }
}

TEST_CASE("of equal logits the lowest class wins") {
  ThreadPool pool(1);
  const std::vector<float> logits{0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  for (const Size size : {Size{2, 2}, Size{9, 11}}) {
    const Segmentation map =
        upsample_argmax(logits.data(), 3, {2, 2}, as_it_is(size), "logits", pool);
    CHECK(std::all_of(map.mask.begin(), map.mask.end(), [](int label) { return label == 1; }));
  }
}

TEST_CASE("NaN and infinity in logits are named") {
  ThreadPool pool(2);
  for (const float value :
       {kNaN, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    std::vector<float> logits(3 * 4 * 5, 0.f);
    logits[33] = value;
    for (const Size size : {Size{4, 5}, Size{40, 50}}) {
      CHECK(refusal(ErrorCode::engine, [&] {
              upsample_argmax(logits.data(), 3, {4, 5}, as_it_is(size), "scores", pool);
            }).find("output \"scores\" of the network holds NaN or infinity") == 0);
    }
  }
}

TEST_CASE("windows are averaged as the definition says, whatever the number of threads") {
  StripMemory memory;  // larger and smaller images follow each other
  for (const WindowWeight weight :
       {WindowWeight::uniform, WindowWeight::gaussian, WindowWeight::linear}) {
    for (const Grid& grid : {Grid{{50, 83}, {{16, 24}, 0.25, weight, 4}, 5, {16, 24}},
                             Grid{{50, 83}, {{16, 40}, 0.8, weight, 4}, 3, {16, 40}},
                             Grid{{50, 83}, {{16, 24}, 0.5, weight, 4}, 4, {2, 3}},
                             Grid{{9, 30}, {{16, 24}, 0.0, weight, 4}, 300, {4, 6}},
                             Grid{{5, 6}, {{16, 24}, 0.25, weight, 4}, 2, {16, 24}}}) {
      const std::vector<Values> expected = averages(grid);
      const Segmentation map = blended(grid, false, 1, memory);
      CHECK(wrong_pixels(map, expected) == 0);
      const Segmentation threaded = blended(grid, true, 3, memory);
      CHECK(threaded.mask == map.mask);
      CHECK(threaded.wide_mask == map.wide_mask);
      double largest = 0;
      for (std::size_t c = 0; c < expected.size(); ++c) {
        for (std::size_t i = 0; i < expected[c].size(); ++i) {
          const float got = threaded.probabilities[c * expected[c].size() + i];
          largest = std::max(largest, std::abs(got - expected[c][i]));
        }
      }
      CHECK(largest < 1e-4);
    }
  }
}

TEST_CASE("windows that are missing or too many are a fault") {
  ThreadPool pool(1);
  StripMemory memory;
  const CropWindows windows{{4, 4}, 0.0, WindowWeight::uniform, 1};
  const std::vector<float> logits(2 * 16);
  WindowBlend blend({4, 8}, windows, 2, false, "logits", memory, pool);
  blend.add(logits.data(), {4, 4});
  CHECK(refusal(ErrorCode::internal, [&] { blend.finish(ScoreFunction::none); }) ==
        "WindowBlend: 1 of 2 windows were added");
  blend.add(logits.data(), {4, 4});
  CHECK(refusal(ErrorCode::internal, [&] { blend.add(logits.data(), {4, 4}); }) ==
        "WindowBlend: more windows than the grid has");
}

TEST_CASE("the pipeline runs windows in batches and gives the network what it takes") {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_segment");
  std::vector<Shape> shapes;
  const auto engine = std::make_shared<testing::ScriptedEngine>(
      bundle.manifest().graphs.at("main")[0], [&](testing::ScriptedEngine& self) {
        const Tensor& images = self.given[0];
        shapes.push_back(images.shape);
        const std::int64_t count = images.shape[0];
        // Class 2 in every crop, at stride 4.
        std::vector<float> logits(static_cast<std::size_t>(count) * 4 * 4 * 6);
        for (std::int64_t i = 0; i < count; ++i) {
          std::fill_n(logits.begin() + (i * 4 + 2) * 24, 24, 1.f);
        }
        self.set(0, {count, 4, 4, 6}, logits);
      });
  SemanticSegmenter segmenter(bundle, engine, 2);
  const std::vector<std::uint8_t> pixels(40 * 60 * 3, 100);
  Image image;
  image.data = pixels.data();
  image.height = 40;
  image.width = 60;
  image.stride = 180;
  const Segmentation map = segmenter(image);
  CHECK(map.size == Size{40, 60});
  CHECK(std::all_of(map.mask.begin(), map.mask.end(), [](int label) { return label == 2; }));
  // Tops 0, 12, 24; lefts 0, 18, 36.
  CHECK(shapes == std::vector<Shape>{{4, 3, 16, 24}, {4, 3, 16, 24}, {1, 3, 16, 24}});

  shapes.clear();
  segmenter.set_windows(CropWindows{{16, 24}, 0.0, WindowWeight::uniform, 100});
  CHECK(segmenter(image).mask == map.mask);
  CHECK(shapes == std::vector<Shape>{{9, 3, 16, 24}});
  CHECK(
      refusal(ErrorCode::invalid_input, [&] {
        segmenter.set_windows(CropWindows{{16, 22}, 0.0, WindowWeight::uniform, 1});
      }) == "postprocess.windows.size: expected multiples of input.pad_multiple, 4, got [16, 22]");
}
