// Kernels of ssd.cpp, for each level of processors.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scores/class_scores.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

/// Sigmoids of all classes of a row. `scores` has room for `columns` and a vector more.
EDGECV_KERNEL_INLINE const float* sigmoid_scores(const RowReader& reader, const float* row,
                                                 float* scores) {
  const float* logits = row + reader.first;
  for (std::size_t c = 0; c < reader.classes; c += lanes) {
    store(scores + c, sigmoid(load_some(logits + c, reader.classes - c, 0.f)));
  }
  return scores;
}

/// Scores of all classes of a row.
EDGECV_KERNEL_INLINE const float* class_scores(const RowReader& reader, const float* row,
                                               float* scores) {
  if (reader.function == ScoreFunction::none) return row + reader.first;
  if (reader.function == ScoreFunction::sigmoid) return sigmoid_scores(reader, row, scores);
  float poison[lanes] = {};
  const float shift = maximum(row, reader.columns, poison);
  const Floats16 total =
      splat<Floats16>(exponentials(row, reader.columns, reader.columns, shift, scores));
  for (std::size_t c = 0; c < reader.columns; c += lanes) {
    store(scores + c, load<Floats16>(scores + c) / total);
  }
  return scores + reader.first;
}

/// The best class score of each row, or below_threshold where none can pass. Returns false if a
/// value is NaN or infinite.
EDGECV_KERNEL bool best_scores(const RowReader& reader, const float* rows, std::size_t begin,
                               std::size_t end, float* scratch, float* best) {
  float poison[lanes] = {};
  for (std::size_t a = begin; a < end; ++a) {
    const float* row = rows + a * reader.columns;
    const float strongest = maximum(row + reader.first, reader.classes, poison);
    best[a] = below_threshold;
    float rival = 0;
    if (reader.background < reader.columns) {
      rival = row[reader.background];
      poison[0] += rival * 0.f;
    }
    if (reader.function == ScoreFunction::none) {
      best[a] = strongest;
      continue;
    }
    const bool softmax = reader.function == ScoreFunction::softmax;
    if (!softmax) rival = 0;
    const bool comparable = !softmax || reader.background < reader.columns;
    if (comparable && !(strongest - rival > reader.margin)) continue;
    if (softmax) {
      const float shift = strongest > rival || !comparable ? strongest : rival;
      const std::size_t readable = (end - a) * reader.columns;
      const float total = exponentials(row, reader.columns, readable, shift, scratch);
      best[a] = exp_nonpositive(strongest - shift) / total;
    } else {
      best[a] = maximum(sigmoid_scores(reader, row, scratch), reader.classes, poison);
    }
  }
  return clean(poison);
}

/// Appends what scores above its class's limit (`limits` is padded to a whole vector), and not
/// above `upper`.
EDGECV_KERNEL void collect(const RowReader& reader, const float* rows,
                           const Recycled<float>& limits, float upper, Scratch& scratch) {
  for (const std::uint32_t a : scratch.rows) {
    const float* scores = class_scores(reader, rows + a * reader.columns, scratch.row.data());
    for (std::size_t c = 0; c < reader.classes; c += lanes) {
      const std::size_t count = reader.classes - c < lanes ? reader.classes - c : lanes;
      if (!any_above(load_some(scores + c, count, below_threshold), load<Floats16>(&limits[c])))
        continue;
      for (std::size_t k = c; k < c + count; ++k) {
        if (scores[k] > limits[k] && scores[k] <= upper) {
          scratch.candidates.push_back({a, static_cast<std::uint32_t>(k)});
          scratch.candidate_scores.push_back(scores[k]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL
