#include "edgecv/semantic_segmenter.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "edgecv/class_map.hpp"
#include "edgecv/error.hpp"
#include "graph_ports.hpp"
#include "one_score.hpp"
#include "picture_batches.hpp"
#include "pipeline_of.hpp"
#include "segment_rules.hpp"
#include "stopwatch.hpp"
#include "value_rules.hpp"

namespace edgecv {
namespace {

Size cells_of(const Tensor& logits) {
  return {static_cast<int>(logits.shape[2]), static_cast<int>(logits.shape[3])};
}

/// Logits [B, classes, h, w] of the last run.
Tensor read_logits(Engine& engine, std::size_t output, std::int64_t batch, int classes) {
  Tensor logits = float_output(engine, output, {batch, classes, -1, -1});
  if (logits.shape[2] < 1 || logits.shape[3] < 1) {
    throw Error(ErrorCode::engine, "output \"" + engine.outputs()[output].name + "\" came as " +
                                       to_string(logits.shape) + ", without any place in it");
  }
  return logits;
}

}  // namespace

SemanticSegmenter::SemanticSegmenter(const Bundle& bundle, std::shared_ptr<Engine> engine,
                                     int threads)
    : input_(bundle.manifest().input),
      spec_(postprocess_for<SegmentSpec>("SemanticSegmenter", bundle)),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      columns_(score_columns(bundle.manifest(), spec_.scores_output, spec_.score_function)),
      engine_(require_engine(std::move(engine), "main")),
      pool_(std::make_unique<ThreadPool>(threads)),
      output_(find_output(*engine_, spec_.scores_output)) {
  check_picture_input(*engine_, input_);
  set_windows(spec_.windows);
}

ScoreFunction SemanticSegmenter::score_function() const {
  return columns_ < classes_ ? paired_function(spec_.score_function) : spec_.score_function;
}

void SemanticSegmenter::set_windows(const std::optional<CropWindows>& windows) {
  check_segment_input(input_, windows);
  if (windows) {
    const TensorSides sides = tensor_sides(*engine_, input_);
    if (!same_length(sides.height, windows->size.height) ||
        !same_length(sides.width, windows->size.width)) {
      throw Error(ErrorCode::invalid_input,
                  "windows: expected the size that the network takes, " +
                      to_string(Shape{sides.height, sides.width}) + " (height, width), got " +
                      to_string(Shape{windows->size.height, windows->size.width}));
    }
  }
  spec_.windows = windows;
}

std::vector<Segmentation> SemanticSegmenter::run(const std::vector<Image>& images,
                                                 bool probabilities, int max_batch) {
  timing_ = {};
  if (!spec_.windows) return run_whole(images, probabilities, max_batch);
  std::vector<Segmentation> results;
  results.reserve(images.size());
  for (const Image& image : images) results.push_back(run_windows(image, probabilities));
  return results;
}

std::vector<Segmentation> SemanticSegmenter::run_whole(const std::vector<Image>& images,
                                                       bool probabilities, int max_batch) {
  std::vector<Segmentation> results;
  results.reserve(images.size());
  const ScoreFunction function = score_function();
  std::vector<float> pairs;
  run_batches(*engine_, input_, images, max_batch, *pool_, timing_, [&](const PictureBatch& batch) {
    const Tensor logits = read_logits(*engine_, output_, batch.rows, columns_);
    const auto picture_floats = static_cast<std::size_t>(element_count(logits.shape) / batch.rows);
    for (std::size_t i = 0; i < batch.count; ++i) {
      const float* values = logits.as<float>() + i * picture_floats;
      if (columns_ < classes_) {
        values = paired_scores(spec_.score_function, values, picture_floats, pairs);
      }
      results.push_back(
          probabilities ? upsample_scores(values, classes_, cells_of(logits), batch.geometries[i],
                                          function, spec_.scores_output, *pool_)
                        : upsample_argmax(values, classes_, cells_of(logits), batch.geometries[i],
                                          spec_.scores_output, *pool_));
    }
  });
  return results;
}

Segmentation SemanticSegmenter::run_windows(const Image& image, bool probabilities) {
  check(image);
  const CropWindows& windows = *spec_.windows;
  WindowBlend blend(image.size(), windows, classes_, probabilities, spec_.scores_output, strip_,
                    *pool_);
  const WindowGrid& grid = blend.grid();
  const BatchRange range = engine_->batch_range();
  const std::size_t most = pictures_per_run(range, windows.batch);

  std::vector<float> pairs;
  Geometry geometry;
  geometry.image = geometry.resized = image.size();
  geometry.tensor = windows.size;
  for (std::size_t first = 0; first < grid.count(); first += most) {
    const std::size_t count = std::min(most, grid.count() - first);
    const std::size_t rows = std::max(count, range.lowest);
    const Shape shape = picture_shape(input_, static_cast<std::int64_t>(rows), windows.size);
    const std::size_t window_bytes =
        static_cast<std::size_t>(element_count(shape)) / rows * element_size(input_.dtype);
    {
      Stopwatch watch(timing_.preprocess_ms);
      const Tensor input = engine_->input(0, shape);
      for (std::size_t i = 0; i < count; ++i) {
        geometry.offset_y = -grid.tops[(first + i) / grid.lefts.size()];
        geometry.offset_x = -grid.lefts[(first + i) % grid.lefts.size()];
        preprocess(image, input_, geometry, input.as<char>() + i * window_bytes, *pool_);
      }
      // A batch that is not full: the rest must at least be numbers.
      std::memset(input.as<char>() + count * window_bytes, 0, (rows - count) * window_bytes);
    }
    {
      Stopwatch watch(timing_.network_ms);
      engine_->run();
    }
    Stopwatch watch(timing_.postprocess_ms);
    const Tensor logits = read_logits(*engine_, output_, static_cast<std::int64_t>(rows), columns_);
    const auto window_floats = static_cast<std::size_t>(element_count(logits.shape)) / rows;
    for (std::size_t i = 0; i < count; ++i) {
      const float* values = logits.as<float>() + i * window_floats;
      if (columns_ < classes_) {
        values = paired_scores(spec_.score_function, values, window_floats, pairs);
      }
      blend.add(values, cells_of(logits));
    }
  }
  Stopwatch watch(timing_.postprocess_ms);
  return blend.finish(score_function());
}

}  // namespace edgecv
