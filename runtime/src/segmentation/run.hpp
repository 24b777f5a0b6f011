// Pixels of a row of a class map that lie between the same two cells of logits.
#pragma once

namespace edgecv {

constexpr int most_pixels_of_run = 8;

struct Run {
  int cell;  // the left one
  int begin;
};

}  // namespace edgecv
