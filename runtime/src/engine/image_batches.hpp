// Images through a network of one graph, as many at a time as it takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/timing.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/threads/executor.hpp"
#include "engine/span.hpp"

namespace edgecv {

/// Images that went through the network together. The outputs are the engine's; their rows beyond
/// `count` (where the engine takes no fewer) mean nothing.
struct ImageBatch {
  const Geometry* geometries;  // [count]
  std::size_t first;           // index of its first image
  std::size_t count;
  std::int64_t rows;  // of the batch axis
};

/// Height and width of tensors that the engine takes, -1 for any.
struct TensorSides {
  std::int64_t height, width;
};
TensorSides tensor_sides(const Engine& engine, const InputSpec& spec);

/// Throws Error (invalid_input) if it is below 1.
void check_max_batch(int max_batch);

/// As near to `wanted` as the engine allows.
std::size_t images_per_run(const BatchRange& range, int wanted);

/// Prepares and runs them; neighbours whose tensors have one size share a run, `max_batch` of them
/// or as near to it as the engine allows. After each run `read` makes
/// results of the outputs. Throws Error (invalid_input) for an image that cannot be, or whose
/// tensor has another size than the graph takes.
void run_batches(Engine& engine, const InputSpec& spec, Span<const Image> images, int max_batch,
                 Executor& pool, Timing& timing,
                 const std::function<void(const ImageBatch&)>& read);

/// The same for any callable, without memory for a copy of it.
template <typename Read>
void run_batches(Engine& engine, const InputSpec& spec, Span<const Image> images, int max_batch,
                 Executor& pool, Timing& timing, const Read& read) {
  run_batches(engine, spec, images, max_batch, pool, timing,
              std::function<void(const ImageBatch&)>(std::cref(read)));
}

}  // namespace edgecv
