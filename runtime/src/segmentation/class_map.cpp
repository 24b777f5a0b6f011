#include "edgecv/segmentation/class_map.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "scores/finite.hpp"
#include "segmentation/class_rows.hpp"
#include "segmentation/logit_axis.hpp"
#include "segmentation/plane_blend.hpp"
#include "segmentation/run.hpp"
#include "simd/clones.hpp"
#include "threads/recycled.hpp"

#define EDGECV_KERNELS_UP_TO_AVX2
#define EDGECV_KERNELS "segmentation/class_map_kernels.hpp"
#include "simd/each_level.hpp"

namespace edgecv {
namespace {

struct Axes {
  LinearAxis columns;
  LinearAxis rows;
};

Axes axes_of(Size cells, const Geometry& geometry) {
  return {logit_axis(cells.width, geometry.tensor.width, geometry.offset_x, geometry.resized.width,
                     geometry.image.width),
          logit_axis(cells.height, geometry.tensor.height, geometry.offset_y,
                     geometry.resized.height, geometry.image.height)};
}

Recycled<Run> runs_of(const Recycled<int>& first) {
  Recycled<Run> runs;
  for (int x = 0; x < static_cast<int>(first.size()); ++x) {
    const int cell = first[static_cast<std::size_t>(x)];
    if (runs.empty() || runs.back().cell != cell || x - runs.back().begin == most_pixels_of_run) {
      runs.push_back({cell, x});
    }
  }
  return runs;
}

/// result[k] = upper[k] + fraction * (lower[k] - upper[k])
EDGECV_INLINE void blend_rows_once(const float* upper, const float* lower, float fraction,
                                   std::size_t count, float* result) {
  for (std::size_t k = 0; k < count; ++k) {
    result[k] = upper[k] + fraction * (lower[k] - upper[k]);
  }
}
constexpr auto blend_rows = clones_avx2<blend_rows_once>;

/// Rows of cells with the classes of a cell side by side, made from planes.
class CellRows {
 public:
  CellRows(const float* logits, int classes, Size cells)
      : logits_(logits), classes_(classes), cells_(cells), row_floats_(row_floats()) {
    for (Recycled<float>& row : rows_) row.resize(row_floats_);
    blended_.resize(row_floats_ + static_cast<std::size_t>(classes));
  }

  /// The row between `first` and the next one, with its last cell once more at its end; null if it
  /// holds NaN or infinity.
  const float* operator()(int first, float fraction) {
    const float* const upper = row(first);
    const float* const lower = fraction != 0 ? row(first + 1) : upper;
    if (upper == nullptr || lower == nullptr) return nullptr;
    blend_rows(upper, lower, fraction, row_floats_, blended_.data());
    std::copy_n(blended_.end() - 2 * classes_, classes_, blended_.end() - classes_);
    return blended_.data();
  }

 private:
  std::size_t row_floats() const { return static_cast<std::size_t>(cells_.width) * classes_; }

  const float* row(int y) {
    const auto slot = static_cast<std::size_t>(y % 2);
    Recycled<float>& cells = rows_[slot];
    if (held_[slot] == y) return cells.data();
    bool finite = true;
    const std::size_t plane = static_cast<std::size_t>(cells_.height) * cells_.width;
    for (int c = 0; c < classes_; ++c) {
      const float* const source = logits_ + static_cast<std::size_t>(c) * plane +
                                  static_cast<std::size_t>(y) * cells_.width;
      for (int x = 0; x < cells_.width; ++x) {
        finite &= std::isfinite(source[x]);
        cells[static_cast<std::size_t>(x) * classes_ + c] = source[x];
      }
    }
    held_[slot] = y;
    return finite ? cells.data() : nullptr;
  }

  const float* logits_;
  int classes_;
  Size cells_;
  std::size_t row_floats_;
  Recycled<float> rows_[2];
  int held_[2] = {-1, -1};
  Recycled<float> blended_;
};

/// A few rows of cells, so that little is turned twice.
int rows_per_piece(const Geometry& geometry, Size cells) {
  return std::max(8, 4 * geometry.image.height / std::max(cells.height, 1));
}

}  // namespace

Segmentation upsample_argmax(const float* logits, int classes, Size cells, const Geometry& geometry,
                             const std::string& output, Executor& pool, Segmentation memory) {
  Segmentation map = blank_map(geometry.image, classes, std::move(memory));
  Axes axes = axes_of(cells, geometry);
  const auto width = static_cast<std::size_t>(geometry.image.width);
  const std::size_t plane = static_cast<std::size_t>(cells.height) * cells.width;
  const bool as_it_is = is_identity(axes.columns) && is_identity(axes.rows);
  const Recycled<Run> runs = as_it_is ? Recycled<Run>{} : runs_of(axes.columns.first);
  axes.columns.fraction.resize(width + most_pixels_of_run);
  std::atomic<bool> finite{true};
  pool.parallel_for(
      geometry.image.height, rows_per_piece(geometry, cells), [&](int begin, int end) {
        Recycled<std::int32_t> index(width + most_pixels_of_run);
        CellRows rows(logits, as_it_is ? 0 : classes, cells);
        for (int y = begin; y < end && finite; ++y) {
          const auto i = static_cast<std::size_t>(y);
          if (as_it_is) {
            const PlaneRow row{logits + i * cells.width, plane, classes, width};
            if (!blend_planes(row, {false, false, true}, index.data())) finite = false;
          } else if (const float* row = rows(axes.rows.first[i], axes.rows.fraction[i])) {
            EDGECV_BEST_LEVEL(largest_in_row)
            (row, classes, runs.data(), runs.size(), axes.columns.fraction.data(), index.data());
          } else {
            finite = false;
          }
          write_classes(index.data(), width, i * width, map);
        }
      });
  if (!finite) not_finite(output);
  return map;
}

Segmentation upsample_scores(const float* logits, int classes, Size cells, const Geometry& geometry,
                             ScoreFunction function, const std::string& output, Executor& pool,
                             Segmentation memory) {
  Segmentation map = blank_map(geometry.image, classes, std::move(memory));
  const Axes axes = axes_of(cells, geometry);
  const auto width = static_cast<std::size_t>(geometry.image.width);
  const std::size_t pixels = width * static_cast<std::size_t>(geometry.image.height);
  map.probabilities.resize(pixels * static_cast<std::size_t>(classes));
  float* const planes = map.probabilities.data();
  std::atomic<bool> finite{true};
  pool.parallel_for(
      geometry.image.height, rows_per_piece(geometry, cells), [&](int begin, int end) {
        Recycled<std::int32_t> index(width);
        CellRows rows(logits, classes, cells);
        for (int y = begin; y < end && finite; ++y) {
          const auto i = static_cast<std::size_t>(y);
          const float* const row = rows(axes.rows.first[i], axes.rows.fraction[i]);
          if (row == nullptr) {
            finite = false;
            return;
          }
          float* const line = planes + i * width;
          for (std::size_t x = 0; x < width; ++x) {
            const float* const left =
                row + static_cast<std::size_t>(axes.columns.first[x]) * classes;
            const float fraction = axes.columns.fraction[x];
            for (int c = 0; c < classes; ++c) {
              line[static_cast<std::size_t>(c) * pixels + x] =
                  left[c] + fraction * (left[classes + c] - left[c]);
            }
          }
          blend_planes({line, pixels, classes, width}, {false, false, true}, index.data());
          write_classes(index.data(), width, i * width, map);
        }
      });
  if (!finite) not_finite(output);
  planes_to_scores(function, planes, pixels, classes, pixels, pool);
  return map;
}

}  // namespace edgecv
