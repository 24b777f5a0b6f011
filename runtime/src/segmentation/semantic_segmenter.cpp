#include "edgecv/segmentation/semantic_segmenter.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "bundle/pipeline_of.hpp"
#include "bundle/value_rules.hpp"
#include "edgecv/error.hpp"
#include "edgecv/segmentation/class_map.hpp"
#include "engine/engine_sets.hpp"
#include "engine/graph_ports.hpp"
#include "engine/image_batches.hpp"
#include "engine/stopwatch.hpp"
#include "scores/one_score.hpp"
#include "segmentation/segment_rules.hpp"
#include "threads/guarded_executor.hpp"

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
                                     std::shared_ptr<Executor> executor)
    : ModelInfo(bundle),
      input_(bundle.manifest().input),
      spec_(postprocess_for<SegmentSpec>("SemanticSegmenter", bundle)),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      columns_(score_columns(bundle.manifest(), spec_.scores_output, spec_.score_function)),
      pool_(guarded(std::move(executor))),
      engines_(share_engines({require_engine(std::move(engine), "main")}, *pool_)),
      strips_(std::make_shared<std::vector<StripMemory>>(engines_->most())),
      output_(find_output(engines_->about(0), spec_.scores_output)) {
  check_image_input(engines_->about(0), input_);
  set_windows(spec_.windows);
}

ScoreFunction SemanticSegmenter::score_function() const {
  return columns_ < classes_ ? paired_function(spec_.score_function) : spec_.score_function;
}

void SemanticSegmenter::set_windows(const std::optional<CropWindows>& windows) {
  check_segment_input(input_, windows);
  if (windows) {
    const TensorSides sides = tensor_sides(engines_->about(0), input_);
    if (!same_length(sides.height, windows->size.height) ||
        !same_length(sides.width, windows->size.width)) {
      throw Error(ErrorCode::invalid_input,
                  "windows: expected the size that the network takes, " +
                      to_string(Shape{sides.height, sides.width}) + " (height, width), got " +
                      to_string(Shape{windows->size.height, windows->size.width}));
    }
  }
  windows_.set(windows);
}

void SemanticSegmenter::operator()(const Image& image, Segmentation& result, bool probabilities) {
  Segmentation found = std::exchange(result, {});
  run_all({&image, 1}, &found, probabilities, 1, nullptr);
  result = std::move(found);
}

std::vector<Segmentation> SemanticSegmenter::run(const std::vector<Image>& images,
                                                 bool probabilities, int max_batch,
                                                 Timing* timing) {
  check_max_batch(max_batch);
  std::vector<Segmentation> results(images.size());
  run_all(span_of(images), results.data(), probabilities, max_batch, timing);
  return results;
}

void SemanticSegmenter::run_all(Span<const Image> images, Segmentation* results, bool probabilities,
                                int max_batch, Timing* timing) {
  const std::optional<CropWindows> windows = windows_.get();
  const EngineSets::Turn turn(*engines_);
  Engine& engine = turn.engine(0);
  Timing spent;
  if (windows) {
    StripMemory& strip = (*strips_)[turn.index()];
    for (const Image& image : images) {
      *results =
          run_windows(engine, image, *windows, probabilities, strip, spent, std::move(*results));
      ++results;
    }
  } else {
    run_whole(engine, images, results, probabilities, max_batch, spent);
  }
  timing_.set(spent);
  if (timing) *timing += spent;
}

void SemanticSegmenter::run_whole(Engine& engine, Span<const Image> images, Segmentation* results,
                                  bool probabilities, int max_batch, Timing& spent) const {
  const ScoreFunction function = score_function();
  Recycled<float> pairs;
  run_batches(engine, input_, images, max_batch, *pool_, spent, [&](const ImageBatch& batch) {
    const Tensor logits = read_logits(engine, output_, batch.rows, columns_);
    const auto image_floats = static_cast<std::size_t>(element_count(logits.shape) / batch.rows);
    for (std::size_t i = 0; i < batch.count; ++i) {
      const float* values = logits.as<float>() + i * image_floats;
      if (columns_ < classes_) {
        values = paired_scores(spec_.score_function, values, image_floats, pairs);
      }
      Segmentation& result = results[batch.first + i];
      result = probabilities
                   ? upsample_scores(values, classes_, cells_of(logits), batch.geometries[i],
                                     function, spec_.scores_output, *pool_, std::move(result))
                   : upsample_argmax(values, classes_, cells_of(logits), batch.geometries[i],
                                     spec_.scores_output, *pool_, std::move(result));
    }
  });
}

Segmentation SemanticSegmenter::run_windows(Engine& engine, const Image& image,
                                            const CropWindows& windows, bool probabilities,
                                            StripMemory& strip, Timing& spent,
                                            Segmentation memory) const {
  check(image);
  WindowBlend blend(image.size(), windows, classes_, probabilities, spec_.scores_output, strip,
                    *pool_, std::move(memory));
  const WindowGrid& grid = blend.grid();
  const BatchRange range = engine.batch_range();
  const std::size_t most = images_per_run(range, windows.batch);

  Recycled<float> pairs;
  Geometry geometry;
  geometry.image = geometry.resized = image.size();
  geometry.tensor = windows.size;
  for (std::size_t first = 0; first < grid.count(); first += most) {
    const std::size_t count = std::min(most, grid.count() - first);
    const std::size_t rows = std::max(count, range.lowest);
    const std::size_t window_bytes = image_bytes(input_, windows.size);
    {
      Stopwatch watch(spent.preprocess_ms);
      const Tensor input =
          image_input(engine, 0, input_, static_cast<std::int64_t>(rows), windows.size);
      for (std::size_t i = 0; i < count; ++i) {
        geometry.offset_y = -grid.tops[(first + i) / grid.lefts.size()];
        geometry.offset_x = -grid.lefts[(first + i) % grid.lefts.size()];
        preprocess(image, input_, geometry, input.as<char>() + i * window_bytes, *pool_);
      }
      // A batch that is not full: the rest must at least be numbers.
      std::memset(input.as<char>() + count * window_bytes, 0, (rows - count) * window_bytes);
    }
    {
      Stopwatch watch(spent.network_ms);
      engine.run();
    }
    Stopwatch watch(spent.postprocess_ms);
    const Tensor logits = read_logits(engine, output_, static_cast<std::int64_t>(rows), columns_);
    const auto window_floats = static_cast<std::size_t>(element_count(logits.shape)) / rows;
    for (std::size_t i = 0; i < count; ++i) {
      const float* values = logits.as<float>() + i * window_floats;
      if (columns_ < classes_) {
        values = paired_scores(spec_.score_function, values, window_floats, pairs);
      }
      blend.add(values, cells_of(logits));
    }
  }
  Stopwatch watch(spent.postprocess_ms);
  return blend.finish(score_function());
}

}  // namespace edgecv
