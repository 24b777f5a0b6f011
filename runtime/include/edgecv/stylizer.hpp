// Pictures in, painted pictures out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "edgecv/bundle.hpp"
#include "edgecv/engine.hpp"
#include "edgecv/stylize.hpp"
#include "edgecv/thread_pool.hpp"
#include "edgecv/timing.hpp"

namespace edgecv {

/// 8-bit pixels in BGR order, rows one after another.
struct PaintedPicture {
  Size size;
  std::unique_ptr<std::uint8_t[]> bgr;
};

/// The engines of the bundle's graphs; the last two are null where the bundle has no tiles.
struct StylizerEngines {
  std::shared_ptr<Engine> main;
  std::shared_ptr<Engine> statistics;
  std::shared_ptr<Engine> tile;
};

/// Which pictures are cut into tiles (see StylizeTiles).
enum class Tiling {
  automatic,  // those of more pixels than the bundle's `above`
  never,
  always,
};

/// A loaded style network. Pictures are run one by one; a result has its picture's size.
class Stylizer {
 public:
  /// Throws Error if the engines' inputs and outputs do not fit the manifest. `threads` as
  /// ThreadPool has them.
  Stylizer(const Bundle& bundle, StylizerEngines engines, int threads = 0);

  /// Throws Error (invalid_input) for `always` if the bundle has no tiles.
  void set_tiling(Tiling tiling);

  std::vector<PaintedPicture> run(const std::vector<Image>& images);

  /// Of the last call of run(); the graph of the statistics counts as network.
  const Timing& timing() const { return timing_; }

 private:
  PaintedPicture run_one(const Image& image);
  void run_whole(const Image& image, std::uint8_t* bgr);
  void run_tiles(const Image& image, std::uint8_t* bgr);
  void take_statistics(const Image& image);
  Geometry feed(Engine& engine, std::size_t input, const InputSpec& spec, const Image& image);
  Tensor painted(Engine& engine, std::size_t output, Size at_least);

  InputSpec input_;
  StylizeSpec spec_;
  StylizerEngines engines_;
  std::size_t picture_ = 0;                           // output of main
  std::size_t statistics_output_ = 0;                 // of statistics
  std::size_t tile_picture_ = 0;                      // output of tile
  std::size_t tile_image_ = 0, tile_statistics_ = 0;  // inputs of tile
  std::vector<float> statistics_;                     // of the picture at hand
  Shape statistics_shape_;
  std::unique_ptr<ThreadPool> pool_;
  Tiling tiling_ = Tiling::automatic;
  Timing timing_;
};

}  // namespace edgecv
