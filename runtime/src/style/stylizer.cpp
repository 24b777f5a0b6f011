#include "edgecv/style/stylizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bundle/pipeline_of.hpp"
#include "edgecv/error.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/image/sliding_windows.hpp"
#include "engine/engine_sets.hpp"
#include "engine/graph_ports.hpp"
#include "engine/stopwatch.hpp"
#include "image/image_part.hpp"
#include "threads/guarded_executor.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Continues planes of one size to a larger one by their last column and row.
void extend(const Recycled<float>& planes, Size size, Size larger, int channels, float* out) {
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < larger.height; ++y) {
      const int row = c * size.height + std::min(y, size.height - 1);
      for (int x = 0; x < larger.width; ++x) {
        *out++ = planes[static_cast<std::size_t>(row) * static_cast<std::size_t>(size.width) +
                        static_cast<std::size_t>(std::min(x, size.width - 1))];
      }
    }
  }
}

/// Brings 8-bit BGR pixels to another size.
void resize(const std::uint8_t* bgr, Size size, std::uint8_t* out, Size out_size, Executor& pool) {
  InputSpec spec;
  spec.color = Color::bgr;
  spec.size = out_size;
  spec.scale = 1;
  spec.dtype = DType::uint8;
  spec.layout = Layout::nhwc;
  const Image image{bgr, size.height, size.width, std::ptrdiff_t{3} * size.width};
  preprocess(image, spec, plan(spec, size), out, pool);
}

/// The roles of a set of engines.
enum Role : std::size_t { main, statistics, tile };

}  // namespace

/// One call of run(), with what it alone uses.
class Stylizer::Call {
 public:
  explicit Call(const Stylizer& model)
      : model_(model), tiling_(model.tiling_.get()), turn_(*model.engines_) {}

  void run_one(const Image& image, StylizedImage& result);
  const Timing& timing() const { return timing_; }

 private:
  void run_whole(const Image& image, std::uint8_t* bgr);
  void run_tiles(const Image& image, std::uint8_t* bgr);
  void take_statistics(const Image& image);
  Geometry feed(Engine& engine, std::size_t input, const InputSpec& spec, const Image& image);
  Tensor stylized(Engine& engine, std::size_t output, Size at_least);

  const Stylizer& model_;
  const StylizeSpec& spec_ = model_.spec_;
  Executor* const pool_ = model_.pool_.get();
  Tiling tiling_;
  EngineSets::Turn turn_;
  Recycled<float> statistics_;  // of the image at hand
  Shape statistics_shape_;
  Timing timing_;
};

Stylizer::Stylizer(const Bundle& bundle, StylizerEngines engines,
                   std::shared_ptr<Executor> executor)
    : ModelInfo(bundle),
      input_(bundle.manifest().input),
      spec_(postprocess_for<StylizeSpec>("Stylizer", bundle)),
      pool_(guarded(std::move(executor))) {
  require_engine(engines.main, "main");
  if (spec_.tiles) {
    require_engine(engines.statistics, "statistics");
    require_engine(engines.tile, "tile");
  }
  engines_ = share_engines(
      {std::move(engines.main), std::move(engines.statistics), std::move(engines.tile)}, *pool_);
  const Engine& whole = engines_->about(main);
  check_image_input(whole, input_);
  output_ = find_output(whole, spec_.picture_output);
  if (!spec_.tiles) return;
  check_image_input(engines_->about(statistics), input_);
  statistics_output_ = find_output(engines_->about(statistics), statistics_name);
  const Engine& part = engines_->about(tile);
  tile_output_ = find_output(part, spec_.picture_output);
  tile_statistics_ = find_input(part, statistics_name);
  tile_image_ = find_input(part, whole.inputs()[0].name);
}

void Stylizer::set_tiling(Tiling tiling) {
  if (tiling == Tiling::always && !spec_.tiles) {
    throw Error(ErrorCode::invalid_input,
                "tiling: this bundle has no graphs for tiles (it was exported for one size): use "
                "never, or export it again without a size");
  }
  tiling_.set(tiling);
}

void Stylizer::operator()(const Image& image, StylizedImage& result) {
  StylizedImage stylized = std::exchange(result, {});
  Call call(*this);
  call.run_one(image, stylized);
  timing_.set(call.timing());
  result = std::move(stylized);
}

std::vector<StylizedImage> Stylizer::run(const std::vector<Image>& images, Timing* timing) {
  Call call(*this);
  std::vector<StylizedImage> results(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) call.run_one(images[i], results[i]);
  timing_.set(call.timing());
  if (timing) *timing += call.timing();
  return results;
}

void Stylizer::Call::run_one(const Image& image, StylizedImage& result) {
  check(image);
  const auto pixels = static_cast<std::int64_t>(image.height) * image.width;
  if (!result.bgr || result.size != image.size()) {
    result.bgr.reset();  // first, so that there are never both
    result.bgr.reset(new std::uint8_t[static_cast<std::size_t>(3 * pixels)]);
    result.size = image.size();
  }
  const bool cut = spec_.tiles && (tiling_ == Tiling::always ||
                                   (tiling_ == Tiling::automatic && pixels > spec_.tiles->above));
  if (cut) {
    run_tiles(image, result.bgr.get());
  } else {
    run_whole(image, result.bgr.get());
  }
}

/// Writes the image's tensor into the engine's input.
Geometry Stylizer::Call::feed(Engine& engine, std::size_t input, const InputSpec& spec,
                              const Image& image) {
  Stopwatch watch(timing_.preprocess_ms);
  const Geometry geometry = plan(spec, image.size());
  const Size size = geometry.tensor;
  const Size larger{std::max(size.height, spec_.smallest_side),
                    std::max(size.width, spec_.smallest_side)};
  const Tensor tensor = image_input(engine, input, spec, 1, larger);
  if (larger == size) {
    preprocess(image, spec, geometry, tensor.data, *pool_);
  } else {
    Recycled<float> planes(static_cast<std::size_t>(spec.channels()) *
                           static_cast<std::size_t>(size.height) *
                           static_cast<std::size_t>(size.width));
    preprocess(image, spec, geometry, planes.data(), *pool_);
    extend(planes, size, larger, spec.channels(), tensor.as<float>());
  }
  return geometry;
}

/// The image that the engine's last run gave, which has at least that size.
Tensor Stylizer::Call::stylized(Engine& engine, std::size_t output, Size at_least) {
  const Tensor result = float_output(engine, output, {1, 3, -1, -1});
  if (result.shape[2] < at_least.height || result.shape[3] < at_least.width) {
    throw Error(ErrorCode::engine, "output \"" + spec_.picture_output + "\" came as " +
                                       to_string(result.shape) + " for an image of " +
                                       to_string(Shape{at_least.height, at_least.width}) +
                                       ", expected no less");
  }
  return result;
}

void Stylizer::Call::run_whole(const Image& image, std::uint8_t* bgr) {
  const Geometry geometry = feed(turn_.engine(main), 0, model_.input_, image);
  {
    Stopwatch watch(timing_.network_ms);
    turn_.engine(main).run();
  }
  Stopwatch watch(timing_.postprocess_ms);
  const Size size = geometry.resized;
  const Tensor result = stylized(turn_.engine(main), model_.output_, size);
  const Size tensor{static_cast<int>(result.shape[2]), static_cast<int>(result.shape[3])};
  const std::ptrdiff_t stride = std::ptrdiff_t{3} * size.width;
  if (size == image.size()) {
    write_image(spec_, result.as<float>(), tensor, {bgr, size, stride}, *pool_);
    return;
  }
  Recycled<std::uint8_t> pixels(static_cast<std::size_t>(stride * size.height));
  write_image(spec_, result.as<float>(), tensor, {pixels.data(), size, stride}, *pool_);
  resize(pixels.data(), size, bgr, image.size(), *pool_);
}

/// Of the image, made small.
void Stylizer::Call::take_statistics(const Image& image) {
  Engine& engine = turn_.engine(Role::statistics);
  const int longer = std::max(image.height, image.width);
  InputSpec spec = model_.input_;
  if (longer > spec_.tiles->thumbnail) {
    const double scale = static_cast<double>(spec_.tiles->thumbnail) / longer;
    spec.resize = Resize::stretch;
    spec.antialias = true;
    spec.size = Size{std::max(static_cast<int>(image.height * scale + 0.5), 1),
                     std::max(static_cast<int>(image.width * scale + 0.5), 1)};
  }
  feed(engine, 0, spec, image);
  Stopwatch watch(timing_.network_ms);
  engine.run();
  const Tensor found = float_output(engine, model_.statistics_output_, {1, 2, -1});
  // A copy: the engine's own memory is the next image's.
  statistics_.assign(found.as<float>(), found.as<float>() + element_count(found.shape));
  statistics_shape_ = found.shape;
}

void Stylizer::Call::run_tiles(const Image& image, std::uint8_t* bgr) {
  take_statistics(image);
  Tensor statistics;
  statistics.data = statistics_.data();
  statistics.shape = statistics_shape_;
  Engine& engine = turn_.engine(tile);
  engine.bind(model_.tile_statistics_, statistics);

  const StylizeTiles& tiles = *spec_.tiles;
  // Every tile begins at a multiple of the network's stride, the last ones too: these end where the
  // image does, up to align - 1 pixels short of a whole tile.
  const WindowGrid grid =
      sliding_windows({round_up(image.height, tiles.align), round_up(image.width, tiles.align)},
                      tiles.size, tiles.overlap);
  const std::ptrdiff_t stride = std::ptrdiff_t{3} * image.width;
  const auto fade = [](const std::vector<int>& starts, std::size_t i, int side) {
    return i == 0 ? Fade{} : fade_in(starts[i - 1] + side - starts[i]);
  };
  Recycled<std::uint8_t> band;
  for (std::size_t row = 0; row < grid.tops.size(); ++row) {
    const int top = grid.tops[row];
    const int height = std::min(grid.window.height, image.height - top);
    // Rows of the tiles: up to `seen` the row of tiles above is all that is seen, from `alone` on
    // these. In between they are put together in a band, which then fades in as one: a tile's right
    // border is there until its neighbour covers it.
    const Fade down = fade(grid.tops, row, grid.window.height);
    const int seen = std::clamp(static_cast<int>(std::floor(down.begin)), 0, height);
    const int alone = std::clamp(static_cast<int>(std::ceil(down.end)), seen, height);
    band.resize(static_cast<std::size_t>(stride * (alone - seen)));
    for (std::size_t column = 0; column < grid.lefts.size(); ++column) {
      const int left = grid.lefts[column];
      const Size size{height, std::min(grid.window.width, image.width - left)};
      feed(engine, model_.tile_image_, model_.input_, part_of(image, left, top, size));
      {
        Stopwatch watch(timing_.network_ms);
        engine.run();
      }
      Stopwatch watch(timing_.postprocess_ms);
      const Tensor result = stylized(engine, model_.tile_output_, size);
      const Size tensor{static_cast<int>(result.shape[2]), static_cast<int>(result.shape[3])};
      const Fade across = fade(grid.lefts, column, grid.window.width);
      const auto draw = [&](int begin, int end, std::uint8_t* rows) {
        if (begin == end) return;
        const Canvas canvas{rows + std::ptrdiff_t{3} * left, {end - begin, size.width}, stride};
        blend_image(spec_, result.as<float>() + std::ptrdiff_t{begin} * tensor.width, tensor,
                    canvas, across, *pool_);
      };
      draw(seen, alone, band.data());
      draw(alone, height, bgr + stride * (top + alone));
    }
    Stopwatch watch(timing_.postprocess_ms);
    blend_rows(band.data(), {bgr + stride * (top + seen), {alone - seen, image.width}, stride},
               down, seen);
  }
}

}  // namespace edgecv
