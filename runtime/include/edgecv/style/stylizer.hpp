// Images in, stylized images out.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("candy");
//   edgecv::StylizerEngines engines;  // main, and statistics and tile for large images
//   edgecv::Stylizer stylizer(bundle, engines);
//   const edgecv::StylizedImage result = stylizer(edgecv::Image{});
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/timing.hpp"
#include "edgecv/export.hpp"
#include "edgecv/load/model_info.hpp"
#include "edgecv/style/stylize.hpp"
#include "edgecv/threads/setting.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// 8-bit pixels in BGR order, rows one after another.
struct StylizedImage {
  Size size;
  std::unique_ptr<std::uint8_t[]> bgr;
};

using PaintedPicture [[deprecated("StylizedImage")]] = StylizedImage;

/// The engines of the bundle's graphs; the last two are null where the bundle has no tiles.
struct StylizerEngines {
  std::shared_ptr<Engine> main;
  std::shared_ptr<Engine> statistics;
  std::shared_ptr<Engine> tile;
};

/// Which images are cut into tiles (see StylizeTiles).
enum class Tiling {
  automatic,  // those of more pixels than the bundle's `above`
  never,
  always,
};

class EngineSets;

/// A loaded style network. Images are run one by one; a result has its image's size.
///
/// Any number of threads may call one object, run() and the setters alike: a call works with the
/// settings that it found when it began. A copy shares the engines and has settings of its own. An
/// object that was moved from may only be destroyed or assigned to.
class EDGECV_API Stylizer : public ModelInfo {
 public:
  /// Throws Error if the engines' inputs and outputs do not fit the manifest. `threads`:
  /// see shared_executor().
  Stylizer(const Bundle& bundle, StylizerEngines engines, int threads = 0)
      : Stylizer(bundle, std::move(engines), shared_executor(threads)) {}

  /// With the application's own executor for the loops around the network.
  Stylizer(const Bundle& bundle, StylizerEngines engines, std::shared_ptr<Executor> executor);

  /// Throws Error (invalid_input) for `always` if the bundle has no tiles.
  void set_tiling(Tiling tiling);

  StylizedImage operator()(const Image& image) {
    StylizedImage result;
    (*this)(image, result);
    return result;
  }
  /// The same into a result that the caller keeps: once it has grown, a frame needs no memory (of
  /// images of one size). It is empty if the call throws.
  void operator()(const Image& image, StylizedImage& result);

  /// One for each image. This call's time is added to `timing`; the graph of the statistics
  /// counts as network.
  std::vector<StylizedImage> run(const std::vector<Image>& images, Timing* timing = nullptr);

  /// Of the call of run() that ended last, in whatever thread.
  Timing timing() const { return timing_.get(); }

 private:
  class Call;

  InputSpec input_;
  StylizeSpec spec_;
  std::shared_ptr<Executor> pool_;
  std::shared_ptr<EngineSets> engines_;
  std::size_t output_ = 0;                            // output of main
  std::size_t statistics_output_ = 0;                 // of statistics
  std::size_t tile_output_ = 0;                       // output of tile
  std::size_t tile_image_ = 0, tile_statistics_ = 0;  // inputs of tile
  Setting<Tiling> tiling_{Tiling::automatic};
  Setting<Timing> timing_;
};

}  // namespace edgecv
