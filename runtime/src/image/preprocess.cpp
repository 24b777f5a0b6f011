#include "edgecv/image/preprocess.hpp"

#include <algorithm>

#include "edgecv/error.hpp"
#include "image/bilinear.hpp"
#include "image/channel_map.hpp"
#include "image/filtered.hpp"
#include "image/pixel_rows.hpp"
#include "image/resample.hpp"
#include "image/tensor_rows.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

/// What of the resized image lies in the tensor.
struct Window {
  int begin;  // in the tensor
  int end;
  int source;  // resized coordinate of `begin`

  Window(int offset, int resized, int tensor)
      : begin(std::clamp(offset, 0, tensor)),
        end(std::clamp(offset + resized, begin, tensor)),
        source(begin - offset) {}

  AxisRange range(int image, int resized) const { return {image, resized, source, end - begin}; }
};

/// Pieces of some 4,096 outputs: a few microseconds of work each.
int rows_per_piece(const Geometry& geometry) { return std::max(8, 4096 / geometry.tensor.width); }

void check(const Image& image, const Geometry& geometry, const void* output) {
  if (output == nullptr) throw Error(ErrorCode::invalid_input, "preprocess: output is null");
  if (geometry.image != image.size() || geometry.resized.height < 1 || geometry.resized.width < 1 ||
      geometry.tensor.height < 1 || geometry.tensor.width < 1) {
    throw Error(ErrorCode::invalid_input,
                "preprocess: the geometry is not of this image; make it with plan()");
  }
}

}  // namespace

void preprocess(const Image& image, const InputSpec& spec, const Geometry& geometry, void* output,
                Executor& pool) {
  edgecv::check(image);
  edgecv::check(spec);
  check(image, geometry, output);

  const Window columns(geometry.offset_x, geometry.resized.width, geometry.tensor.width);
  const Window rows(geometry.offset_y, geometry.resized.height, geometry.tensor.height);
  const AxisRange x_range = columns.range(image.width, geometry.resized.width);
  const AxisRange y_range = rows.range(image.height, geometry.resized.height);
  const bool gray = spec.color == Color::gray;
  const PackedFormat format = packed_format(image.format, gray);
  const ChannelMap channels = channel_map(spec, format);

  const auto run = [&](const auto& sampler) {
    pool.parallel_for(geometry.tensor.height, rows_per_piece(geometry), [&](int begin, int end) {
      PixelRows source(image, gray, sampler.kept_rows());
      TensorRows tensor(spec, geometry.tensor, columns.begin, columns.end, output);
      Recycled<float> scratch(sampler.scratch_size());
      for (int y = begin; y < end; ++y) {
        if (y < rows.begin || y >= rows.end || columns.begin == columns.end) {
          tensor.pad(y);
        } else {
          sampler(source, y - rows.begin, scratch.data(), tensor.begin(y));
          tensor.end(y);
        }
      }
    });
  };

  const bool reduces =
      geometry.resized.height < image.height || geometry.resized.width < image.width;
  const bool resizes = geometry.resized != image.size();
  if ((spec.antialias && reduces) || (spec.interpolation == Interpolation::bicubic && resizes)) {
    const auto axis = spec.interpolation == Interpolation::bilinear ? triangle_axis
                      : spec.antialias                              ? antialiased_cubic_axis
                                                                    : cubic_axis;
    run(FilterSampler(axis(x_range), axis(y_range), image.size(), format.step, channels));
  } else {
    const auto axis = spec.interpolation == Interpolation::nearest ? nearest_axis : linear_axis;
    run(BilinearSampler(axis(x_range), axis(y_range), image.size(), format.step, channels));
  }
}

}  // namespace edgecv
