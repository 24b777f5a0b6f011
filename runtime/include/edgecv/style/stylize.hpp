// Style transfer by a feed-forward network (arXiv 1603.08155): from its output to pixels.
//
//   const std::vector<float> planes(3 * 64 * 64, 128.f);
//   std::vector<std::uint8_t> bgr(3 * 60 * 60);
//   edgecv::write_image({}, planes.data(), {64, 64}, {bgr.data(), {60, 60}, 3 * 60});
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/image/input_spec.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// How an image too large for one run is cut. The graph `statistics` takes the image, made
/// small, and gives the mean and 1 / standard deviation of every channel of every instance
/// normalisation; the graph `tile` takes a piece of the image and these numbers in place of the
/// piece's own (thumbnail instance normalisation, Chen et al. 2022, arXiv 2103.11784). So
/// neighbours are stylized alike, and differ only where a tile's border is in reach.
struct StylizeTiles {
  Size size{512, 512};    // of a tile, at most; multiples of `align`
  double overlap = 0.25;  // share of a tile that its neighbour has too; the seam runs in its middle
  int thumbnail = 1536;   // longer side of the image that the statistics are taken from, at most
  int align = 4;          // tiles begin at multiples of it: the network's stride
  std::int64_t above = 2'400'000;  // images of more pixels are cut
};

/// The outputs' meaning, as the manifest records it. An image's level is value * scale + offset,
/// rounded to nearest (ties to even) and cut to 0..255.
struct StylizeSpec {
  std::string picture_output;  // [B, 3, h', w'], float32; what lies right of and below the input's
                               // h and w is cut off
  Color color = Color::rgb;    // order of its channels; not gray
  double scale = 1;
  double offset = 0;
  int smallest_side = 1;  // a shorter side is continued by its last row or column before the run
  std::optional<StylizeTiles> tiles;  // nothing: every image in one run
};

/// Names of the output of `statistics` and of the second input of `tile`: float32 [1, 2, K].
inline constexpr const char* statistics_name = "statistics";

/// 8-bit pixels in BGR order to be written; rows are `stride` bytes apart.
struct Canvas {
  std::uint8_t* bgr = nullptr;
  Size size;
  std::ptrdiff_t stride = 0;
};

/// Writes the top left of the network's output over the whole canvas. `planes`: 3 x tensor.height x
/// tensor.width values, at least the canvas's. Throws Error (engine) on NaN and infinity in what is
/// written.
EDGECV_API void write_image(const StylizeSpec& spec, const float* planes, Size tensor,
                            const Canvas& canvas, Executor& pool = ThreadPool::global());

/// How much of a tile is seen along an axis: nothing up to `begin`, all from `end` on, and linearly
/// more in between.
struct EDGECV_API Fade {
  float begin = 0;
  float end = 0;

  float operator()(int pixel) const;
};

/// The fade of a tile whose first `overlap` pixels a neighbour has drawn: around the middle of
/// the overlap, where both are far from their borders.
EDGECV_API Fade fade_in(int overlap);

/// As write_image, over what the canvas has already: `across` fades each row in.
EDGECV_API void blend_image(const StylizeSpec& spec, const float* planes, Size tensor,
                            const Canvas& canvas, Fade across,
                            Executor& pool = ThreadPool::global());

/// Lays rows of pixels, as many and as long as the canvas's, over it; row y is seen as much as
/// down(first + y).
EDGECV_API void blend_rows(const std::uint8_t* bgr, const Canvas& canvas, Fade down, int first);

[[deprecated("write_image")]] inline void write_picture(const StylizeSpec& spec,
                                                        const float* planes, Size tensor,
                                                        const Canvas& canvas,
                                                        Executor& pool = ThreadPool::global()) {
  write_image(spec, planes, tensor, canvas, pool);
}

[[deprecated("blend_image")]] inline void blend_picture(const StylizeSpec& spec,
                                                        const float* planes, Size tensor,
                                                        const Canvas& canvas, Fade across,
                                                        Executor& pool = ThreadPool::global()) {
  blend_image(spec, planes, tensor, canvas, across, pool);
}

}  // namespace edgecv
