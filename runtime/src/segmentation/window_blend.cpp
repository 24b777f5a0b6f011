#include "edgecv/segmentation/window_blend.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <utility>

#include "edgecv/error.hpp"
#include "scores/finite.hpp"
#include "segmentation/class_rows.hpp"
#include "segmentation/logit_axis.hpp"
#include "segmentation/plane_blend.hpp"
#include "simd/clones.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

std::vector<float> weights(WindowWeight weight, int side) {
  std::vector<float> result;
  if (weight == WindowWeight::uniform) return result;
  const double centre = (side - 1) / 2.0;
  for (int i = 0; i < side; ++i) {
    const double distance = std::abs(i - centre);
    const double in_sigmas = distance / (side / 8.0);
    result.push_back(static_cast<float>(weight == WindowWeight::gaussian
                                            ? std::exp(-0.5 * in_sigmas * in_sigmas)
                                            : 1 - distance / ((side + 1) / 2.0)));
  }
  return result;
}

/// The weights of a window's row, as many as there is room for: g(y) g(x), but at least `least`.
void weigh_row(float row_weight, const std::vector<float>& column_weights, float least,
               Recycled<float>& result) {
  for (std::size_t k = 0; k < result.size(); ++k) {
    result[k] = std::max(row_weight * column_weights[k], least);
  }
}

/// A row of a window, brought from cells to pixels: [classes, width] in `result`.
EDGECV_INLINE void expand_row_once(const float* logits, std::size_t plane, int classes,
                                   const float* upper, const float* lower, float row_fraction,
                                   int cells, const LinearAxis& columns, float* blended,
                                   float* result) {
  const std::size_t width = columns.first.size();
  const int* const first = columns.first.data();
  const float* const fraction = columns.fraction.data();
  const std::ptrdiff_t to_upper = upper - logits, to_lower = lower - logits;
  for (int c = 0; c < classes; ++c, logits += plane, result += width) {
    const float* const above = logits + to_upper;
    const float* const below = logits + to_lower;
    for (int i = 0; i < cells; ++i) blended[i] = above[i] + row_fraction * (below[i] - above[i]);
    blended[cells] = blended[cells - 1];
    for (std::size_t k = 0; k < width; ++k) {
      const float left = blended[first[k]];
      result[k] = left + fraction[k] * (blended[first[k] + 1] - left);
    }
  }
}
constexpr auto expand_row = clones_avx2<expand_row_once>;

EDGECV_INLINE void divide_once(float* values, std::size_t count, const float* totals) {
  for (std::size_t k = 0; k < count; ++k) values[k] /= totals[k];
}
constexpr auto divide = clones_avx2<divide_once>;

}  // namespace

/// What a window is among its neighbours on one axis: pixels [begin, first_from) were seen by the
/// windows before it, those from `last_until` on will be seen by those behind it.
struct WindowBlend::Axis {
  int begin, end;
  int first_from, last_until;

  Axis(const std::vector<int>& starts, std::size_t i, int window)
      : begin(starts[i]),
        end(begin + window),
        first_from(i > 0 ? starts[i - 1] + window : begin),
        last_until(i + 1 < starts.size() ? starts[i + 1] : end) {}

  bool first(int at) const { return at >= first_from; }
  bool last(int at) const { return at < last_until; }
};

/// A window and its logits.
struct WindowBlend::Piece {
  const float* logits;
  Size cells;
  Axis rows;
  Axis columns;
  LinearAxis cell_rows;  // of the window's pixels; empty: cells are pixels
  LinearAxis cell_columns;
};

float* StripMemory::at_least(std::size_t floats) {
  if (count_ < floats) {
    floats_.reset();  // first, so that there are never both
    floats_.reset(new float[floats]);
    count_ = floats;
  }
  return floats_.get();
}

WindowBlend::WindowBlend(Size image, const CropWindows& windows, int classes, bool probabilities,
                         std::string output, StripMemory& memory, Executor& pool, Segmentation map)
    : image_(image),
      windows_(windows),
      classes_(classes),
      probabilities_(probabilities),
      output_(std::move(output)),
      pool_(pool),
      grid_(sliding_windows(image, windows.size, windows.overlap)),
      row_weights_(weights(windows.weight, windows.size.height)),
      column_weights_(weights(windows.weight, windows.size.width)),
      least_weight_(windows.weight == WindowWeight::gaussian ? least_gaussian_weight : 0.f),
      map_(blank_map(image, classes, std::move(map))) {
  const std::size_t width = static_cast<std::size_t>(image.width);
  if (probabilities) {
    strip_rows_ = static_cast<std::size_t>(image.height);
    map_.probabilities.resize(static_cast<std::size_t>(classes) * strip_rows_ * width);
    sums_ = map_.probabilities.data();
  } else if (grid_.count() > 1) {
    strip_rows_ = static_cast<std::size_t>(grid_.window.height);
    sums_ = memory.at_least(static_cast<std::size_t>(classes) * strip_rows_ * width);
  } else {
    strip_rows_ = 1;
  }
}

WindowBlend::~WindowBlend() = default;

void WindowBlend::add(const float* logits, Size cells) {
  if (next_ >= grid_.count()) {
    throw Error(ErrorCode::internal, "WindowBlend: more windows than the grid has");
  }
  const std::size_t columns = grid_.lefts.size();
  Piece piece{logits,
              cells,
              Axis(grid_.tops, next_ / columns, grid_.window.height),
              Axis(grid_.lefts, next_ % columns, grid_.window.width),
              {},
              {}};
  if (cells != windows_.size) {
    const auto axis = [](int count, int tensor, int pixels) {
      return logit_axis(count, tensor, 0, pixels, pixels);
    };
    piece.cell_rows = axis(cells.height, windows_.size.height, grid_.window.height);
    piece.cell_columns = axis(cells.width, windows_.size.width, grid_.window.width);
  }
  std::atomic<bool> all_finite{true};
  pool_.parallel_for(grid_.window.height, 8, [&](int begin, int end) {
    bool finite = true;
    add_rows(piece, begin, end, &finite);
    if (!finite) all_finite = false;
  });
  if (!all_finite) not_finite(output_);
  ++next_;
}

void WindowBlend::add_rows(const Piece& piece, int begin, int end, bool* finite) {
  const Axis& columns = piece.columns;
  const auto image_width = static_cast<std::size_t>(image_.width);
  const auto cells_width = static_cast<std::size_t>(piece.cells.width);
  const std::size_t cell_plane = static_cast<std::size_t>(piece.cells.height) * cells_width;
  const auto width = static_cast<std::size_t>(grid_.window.width);
  const bool expands = !piece.cell_columns.first.empty();
  Recycled<float> expanded(expands ? static_cast<std::size_t>(classes_) * width : 0);
  Recycled<float> blended(expands ? cells_width + 1 : 0);
  Recycled<float> row_weights(row_weights_.empty() ? 0 : width);
  Recycled<std::int32_t> index(width);

  for (int row = begin; row < end; ++row) {
    const auto y = static_cast<std::size_t>(row);
    const int image_y = piece.rows.begin + row;
    const float* values = piece.logits + y * cells_width;
    if (expands) {
      const auto first = static_cast<std::size_t>(piece.cell_rows.first[y]);
      const float fraction = piece.cell_rows.fraction[y];
      const float* const upper = piece.logits + first * cells_width;
      expand_row(piece.logits, cell_plane, classes_, upper,
                 fraction != 0 ? upper + cells_width : upper, fraction, piece.cells.width,
                 piece.cell_columns, blended.data(), expanded.data());
      values = expanded.data();
    }
    if (!row_weights.empty()) {
      weigh_row(row_weights_[y], column_weights_, least_weight_, row_weights);
    }
    const std::size_t strip_row = static_cast<std::size_t>(image_y) % strip_rows_;
    for (int x = columns.begin; x < columns.end;) {
      int stop = columns.end;  // or where the neighbours change
      for (const int edge : {columns.first_from, columns.last_until}) {
        if (edge > x) stop = std::min(stop, edge);
      }
      const auto inside = static_cast<std::size_t>(x - columns.begin);
      PlaneRow part{values + inside, expands ? width : cell_plane, classes_,
                    static_cast<std::size_t>(stop - x)};
      if (!row_weights.empty()) part.weights = row_weights.data() + inside;
      if (sums_ != nullptr) part.sums = sums_ + strip_row * image_width + x;
      part.sum_plane = strip_rows_ * image_width;
      const bool adds = !(piece.rows.first(image_y) && columns.first(x));
      const bool compares = piece.rows.last(image_y) && columns.last(x);
      *finite &= blend_planes(part, {adds, probabilities_ || !compares, compares}, index.data());
      if (compares) {
        write_classes(index.data(), part.count,
                      static_cast<std::size_t>(image_y) * image_width + static_cast<std::size_t>(x),
                      map_);
      }
      x = stop;
    }
  }
}

/// Sums of the weights of all windows at each pixel of a row of the image.
void WindowBlend::total_weights(int image_y, float* totals) const {
  const auto width = static_cast<std::size_t>(grid_.window.width);
  Recycled<float> weights(width, 1.f);
  std::fill_n(totals, image_.width, 0.f);
  for (const int top : grid_.tops) {
    const int y = image_y - top;
    if (y < 0 || y >= grid_.window.height) continue;
    if (!row_weights_.empty()) {
      weigh_row(row_weights_[static_cast<std::size_t>(y)], column_weights_, least_weight_, weights);
    }
    for (const int left : grid_.lefts) {
      for (std::size_t k = 0; k < width; ++k) {
        totals[static_cast<std::size_t>(left) + k] += weights[k];
      }
    }
  }
}

Segmentation WindowBlend::finish(ScoreFunction function) {
  if (next_ != grid_.count()) {
    throw Error(ErrorCode::internal, "WindowBlend: " + std::to_string(next_) + " of " +
                                         std::to_string(grid_.count()) + " windows were added");
  }
  if (probabilities_) {
    const auto width = static_cast<std::size_t>(image_.width);
    const std::size_t pixels = strip_rows_ * width;
    pool_.parallel_for(image_.height, 8, [&](int begin, int end) {
      Recycled<float> totals(width);
      for (int y = begin; y < end; ++y) {
        total_weights(y, totals.data());
        for (int c = 0; c < classes_; ++c) {
          divide(sums_ + static_cast<std::size_t>(c) * pixels + static_cast<std::size_t>(y) * width,
                 width, totals.data());
        }
      }
    });
    planes_to_scores(function, sums_, pixels, classes_, pixels, pool_);
  }
  return std::move(map_);
}

}  // namespace edgecv
