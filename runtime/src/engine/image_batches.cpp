#include "engine/image_batches.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "bundle/value_rules.hpp"
#include "edgecv/error.hpp"
#include "engine/graph_ports.hpp"
#include "engine/stopwatch.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

void check_size(const Engine& engine, const InputSpec& spec, const Geometry& geometry) {
  const TensorSides sides = tensor_sides(engine, spec);
  const Size tensor = geometry.tensor;
  if (same_length(sides.height, tensor.height) && same_length(sides.width, tensor.width)) return;
  throw Error(ErrorCode::invalid_input, "image: expected one whose tensor is " +
                                            to_string(Shape{sides.height, sides.width}) +
                                            " (height, width), as the network takes it, got " +
                                            to_string(Shape{tensor.height, tensor.width}) +
                                            ": resize the image, or export with another size");
}

void run_batch(Engine& engine, const InputSpec& spec, const Image* images, const ImageBatch& batch,
               Executor& pool, Timing& timing) {
  const Size tensor = batch.geometries[0].tensor;
  const std::size_t bytes = image_bytes(spec, tensor);
  {
    Stopwatch watch(timing.preprocess_ms);
    const Tensor input = image_input(engine, 0, spec, batch.rows, tensor);
    for (std::size_t i = 0; i < batch.count; ++i) {
      preprocess(images[i], spec, batch.geometries[i], input.as<char>() + i * bytes, pool);
    }
    // A batch that is not full: the rest must at least be numbers.
    std::memset(input.as<char>() + batch.count * bytes, 0,
                (static_cast<std::size_t>(batch.rows) - batch.count) * bytes);
  }
  Stopwatch watch(timing.network_ms);
  engine.run();
}

}  // namespace

TensorSides tensor_sides(const Engine& engine, const InputSpec& spec) {
  const Shape& shape = engine.inputs()[0].shape;
  const std::size_t height_axis = spec.layout == Layout::nhwc ? 1 : 2;
  return {shape[height_axis], shape[height_axis + 1]};
}

void check_max_batch(int max_batch) {
  if (max_batch >= 1) return;
  throw Error(ErrorCode::invalid_input,
              "max_batch: expected 1 or more, got " + std::to_string(max_batch));
}

std::size_t images_per_run(const BatchRange& range, int wanted) {
  return std::clamp(static_cast<std::size_t>(std::max(1, wanted)), range.lowest, range.highest);
}

void run_batches(Engine& engine, const InputSpec& spec, Span<const Image> images, int max_batch,
                 Executor& pool, Timing& timing,
                 const std::function<void(const ImageBatch&)>& read) {
  Recycled<Geometry> geometries;
  geometries.reserve(images.count);
  for (const Image& image : images) {
    check(image);
    geometries.push_back(plan(spec, image.size()));
    check_size(engine, spec, geometries.back());
  }
  const BatchRange range = engine.batch_range();
  const std::size_t most = images_per_run(range, max_batch);
  for (std::size_t first = 0; first < images.count;) {
    std::size_t count = 1;
    while (count < most && first + count < images.count &&
           geometries[first + count].tensor == geometries[first].tensor) {
      ++count;
    }
    const auto rows = static_cast<std::int64_t>(std::max(count, range.lowest));
    const ImageBatch batch{&geometries[first], first, count, rows};
    run_batch(engine, spec, images.first + first, batch, pool, timing);
    {
      Stopwatch watch(timing.postprocess_ms);
      read(batch);
    }
    first += count;
  }
}

}  // namespace edgecv
