// What the kernels of SSD's postprocessing read and write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/scores/score_function.hpp"

namespace edgecv {

constexpr float below_threshold = -1.f;

/// How a row of raw outputs is read.
struct RowReader {
  ScoreFunction function;
  std::size_t columns;  // of a row
  std::size_t first;    // column of class 0
  std::size_t classes;
  std::size_t background;  // column of the background, or columns
  float margin;  // a row whose best class logit exceeds its rival by less has no candidate
};

struct Candidate {
  std::uint32_t anchor;
  std::uint32_t label;
};

/// Buffers kept from call to call: a fresh page costs more than the work done on it.
struct Scratch {
  std::vector<float> best, row, candidate_scores;
  std::vector<std::uint32_t> rows;
  std::vector<Candidate> candidates;
};

}  // namespace edgecv
