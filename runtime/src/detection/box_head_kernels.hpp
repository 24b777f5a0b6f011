// Kernels of box_head.cpp, for each level of processors.
#include <cstddef>
#include <cstdint>

#include "scores/class_scores.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

/// Appends a key for each score above its class's threshold; its index is row * classes + class.
/// `keys` has room for all, `scores` for a row and a vector more, `thresholds` are in_vectors().
/// Returns one past the last key, null if a value is NaN or infinite.
EDGECV_KERNEL std::uint64_t* append_passing(const float* logits, std::size_t begin, std::size_t end,
                                            std::size_t classes, float margin,
                                            const float* thresholds, float* scores,
                                            std::uint64_t* keys) {
  float poison[lanes] = {};
  for (std::size_t r = begin; r < end; ++r) {
    const float* row = logits + r * (classes + 1);
    const float strongest = maximum(row + 1, classes, poison);
    poison[0] += row[0] * 0.f;
    if (!(strongest - row[0] > margin)) continue;
    const float shift = strongest > row[0] ? strongest : row[0];
    const std::size_t readable = (end - r) * (classes + 1);
    const float total = exponentials(row, classes + 1, readable, shift, scores);
    // Most scores are far below: dividing waits until one of 16 comes near its threshold.
    const Floats16 nearly = splat<Floats16>(total * 0.99999f);
    for (std::size_t c = 0; c < classes; c += lanes) {
      const Floats16 exponential = load<Floats16>(scores + 1 + c);
      std::uint32_t hits = lanes_above(exponential, load<Floats16>(thresholds + c) * nearly);
      if (hits == 0) continue;
      float score[lanes];
      store(score, exponential / splat<Floats16>(total));
      for (; hits != 0; hits &= hits - 1) {
        const std::size_t k = lowest_bit(hits);
        if (!(score[k] > thresholds[c + k])) continue;
        *keys++ = score_key(score[k], static_cast<std::uint32_t>(r * classes + c + k));
      }
    }
  }
  return clean(poison) ? keys : nullptr;
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL
