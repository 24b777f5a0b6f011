#include <algorithm>
#include <cmath>
#include <string>

#include "edgecv/error.hpp"
#include "edgecv/masks/masks.hpp"
#include "simd/clones.hpp"
#include "threads/recycled.hpp"

// The same pixels as torchvision's come out only of the same arithmetic, so this follows torch's
// upsample_bilinear2d on a CPU to the last bit: which products are fused with a sum (std::fma) and
// in which order. Outputs whose sides add up to 128 at most have another order, since torch takes
// another kernel for them. Builds of torch differ in one place, the position of a pixel among the
// cells: 2.15 rounds product and sum, as here; 2.14 fuses them, which can turn a pixel whose value
// is the threshold to within that rounding.

namespace edgecv {
namespace {

constexpr int padding = 1;  // of the mask on each side, as torchvision pads it
constexpr std::int64_t small_output = 128;

/// A span of pixels of one axis: the expanded box before clipping and the part in the image.
struct Span {
  std::int64_t first = 0;   // of the box; may lie outside
  std::int64_t length = 1;  // of the box
  int begin = 0, end = 0;   // in the image

  int count() const { return end - begin; }
};

std::int64_t truncated(float value) {
  constexpr float limit = 1152921504606846976.f;  // 2^60: sums of two stay in range
  return static_cast<std::int64_t>(std::max(-limit, std::min(limit, value)));  // NaN: the limit
}

/// torchvision's expand_boxes, truncation towards zero, and clipping.
Span expanded(float low, float high, float scale, int image) {
  const float half = (high - low) * 0.5f * scale;
  const float center = (high + low) * 0.5f;
  Span span;
  span.first = truncated(center - half);
  const std::int64_t last = truncated(center + half);
  span.length = std::max<std::int64_t>(last - span.first + 1, 1);
  span.begin = static_cast<int>(std::clamp<std::int64_t>(span.first, 0, image));
  span.end = static_cast<int>(std::clamp<std::int64_t>(last + 1, span.begin, image));
  return span;
}

/// For each pixel of a span the two mask cells that it lies between, and their weights.
struct Taps {
  Recycled<int> left, right;
  Recycled<float> left_weight, right_weight;

  void resize(std::size_t count) {
    left.resize(count);
    right.resize(count);
    left_weight.resize(count);
    right_weight.resize(count);
  }
};

void fill_taps(const Span& span, int cells, Taps& taps) {
  const auto count = static_cast<std::size_t>(span.count());
  taps.resize(count);
  const float scale = static_cast<float>(cells) / static_cast<float>(span.length);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t pixel = span.begin - span.first + static_cast<std::int64_t>(i);
    const float position = std::max(scale * (static_cast<float>(pixel) + 0.5f) - 0.5f, 0.f);
    const int cell = span.length == cells ? static_cast<int>(pixel)
                                          : std::min(static_cast<int>(position), cells - 1);
    const float fraction =
        span.length == cells ? 0.f : std::min(position - static_cast<float>(cell), 1.f);
    taps.left[i] = cell;
    taps.right[i] = std::min(cell + 1, cells - 1);
    taps.left_weight[i] = 1 - fraction;
    taps.right_weight[i] = fraction;
  }
}

/// Interpolates one row of cells at each column of the crop.
EDGECV_INLINE void interpolate_columns_once(const float* cells, const Taps& columns, float* row) {
  const int* const left = columns.left.data();
  const int* const right = columns.right.data();
  const float* const left_weight = columns.left_weight.data();
  const float* const right_weight = columns.right_weight.data();
  const std::size_t count = columns.left.size();
  for (std::size_t x = 0; x < count; ++x) {
    row[x] = std::fma(cells[left[x]], left_weight[x], cells[right[x]] * right_weight[x]);
  }
}
constexpr auto interpolate_columns = clones_avx2<interpolate_columns_once>;

EDGECV_INLINE void blend_rows_once(const float* upper, const float* lower, float upper_weight,
                                   float lower_weight, float threshold, std::size_t count,
                                   std::uint8_t* pixels) {
  for (std::size_t x = 0; x < count; ++x) {
    const float value = std::fma(upper[x], upper_weight, lower[x] * lower_weight);
    pixels[x] = value > threshold;
  }
}
constexpr auto blend_rows = clones_avx2<blend_rows_once>;

EDGECV_INLINE void sample_small_row_once(const float* upper, const float* lower, float upper_weight,
                                         float lower_weight, const Taps& columns, float threshold,
                                         std::uint8_t* pixels) {
  const std::size_t count = columns.left.size();
  for (std::size_t x = 0; x < count; ++x) {
    const int left = columns.left[x], right = columns.right[x];
    const float left_weight = columns.left_weight[x], right_weight = columns.right_weight[x];
    float value = upper[right] * (upper_weight * right_weight);
    value = std::fma(upper[left], upper_weight * left_weight, value);
    value = std::fma(lower[left], lower_weight * left_weight, value);
    value = std::fma(lower[right], lower_weight * right_weight, value);
    pixels[x] = value > threshold;
  }
}
constexpr auto sample_small_row = clones_avx2<sample_small_row_once>;

/// Pastes masks of one size; its buffers serve one mask after another.
class Paster {
 public:
  Paster(int size, Size image, float threshold)
      : size_(size),
        cells_(size + 2 * padding),
        scale_(static_cast<float>(static_cast<double>(cells_) / size)),
        image_(image),
        threshold_(threshold),
        padded_(static_cast<std::size_t>(cells_) * static_cast<std::size_t>(cells_)) {}

  void operator()(const float* mask, const float* box, MaskCrop& crop) {
    const Span across = expanded(box[0], box[2], scale_, image_.width);
    const Span down = expanded(box[1], box[3], scale_, image_.height);
    crop.x = crop.y = crop.width = crop.height = 0;
    crop.pixels.clear();
    if (across.count() == 0 || down.count() == 0) return;
    crop.x = across.begin;
    crop.y = down.begin;
    crop.width = across.count();
    crop.height = down.count();
    crop.pixels.resize(static_cast<std::size_t>(crop.width) *
                       static_cast<std::size_t>(crop.height));
    for (int y = 0; y < size_; ++y) {
      std::copy_n(mask + static_cast<std::ptrdiff_t>(y) * size_, size_,
                  padded_.begin() + (y + padding) * cells_ + padding);
    }
    fill_taps(across, cells_, columns_);
    fill_taps(down, cells_, rows_);
    if (across.length + down.length <= small_output) {
      fill_small(crop);
    } else {
      fill_large(crop);
    }
  }

 private:
  const float* cell_row(int row) const { return padded_.data() + row * cells_; }

  void fill_small(MaskCrop& crop) const {
    std::uint8_t* pixels = crop.pixels.data();
    for (std::size_t y = 0; y < rows_.left.size(); ++y, pixels += crop.width) {
      sample_small_row(cell_row(rows_.left[y]), cell_row(rows_.right[y]), rows_.left_weight[y],
                       rows_.right_weight[y], columns_, threshold_, pixels);
    }
  }

  /// An enlarged mask has many rows between the same two rows of cells: those are interpolated
  /// across once.
  void fill_large(MaskCrop& crop) {
    const auto count = static_cast<std::size_t>(crop.width);
    upper_.resize(count);
    lower_.resize(count);
    int upper_row = -1, lower_row = -1;
    std::uint8_t* pixels = crop.pixels.data();
    for (std::size_t y = 0; y < rows_.left.size(); ++y, pixels += count) {
      if (rows_.left[y] != upper_row && rows_.left[y] == lower_row) {
        upper_.swap(lower_);
        std::swap(upper_row, lower_row);
      }
      if (rows_.left[y] != upper_row) {
        upper_row = rows_.left[y];
        interpolate_columns(cell_row(upper_row), columns_, upper_.data());
      }
      if (rows_.right[y] != lower_row) {
        lower_row = rows_.right[y];
        interpolate_columns(cell_row(lower_row), columns_, lower_.data());
      }
      blend_rows(upper_.data(), lower_.data(), rows_.left_weight[y], rows_.right_weight[y],
                 threshold_, count, pixels);
    }
  }

  int size_, cells_;
  float scale_;
  Size image_;
  float threshold_;
  Recycled<float> padded_;  // [cells, cells]; its border stays 0
  Taps columns_, rows_;
  Recycled<float> upper_, lower_;
};

}  // namespace

std::vector<MaskCrop> paste_masks(const float* masks, std::size_t count, int size,
                                  const float* boxes, Size image, float threshold, Executor& pool,
                                  std::vector<MaskCrop> crops) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::all_of(boxes + 4 * i, boxes + 4 * i + 4, [](float v) { return std::isfinite(v); })) {
      throw Error(ErrorCode::invalid_input,
                  "paste_masks: box " + std::to_string(i) + " is not finite");
    }
  }
  crops.resize(count);
  const auto mask_elements = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  pool.parallel_for(static_cast<int>(count), 4, [&](int begin, int end) {
    Paster paste(size, image, threshold);
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      paste(masks + i * mask_elements, boxes + 4 * i, crops[i]);
    }
  });
  return crops;
}

}  // namespace edgecv
