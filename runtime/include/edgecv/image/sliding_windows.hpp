// Windows of one size that cover an image, each overlapping its neighbours.
//
//   const edgecv::WindowGrid grid = edgecv::sliding_windows({100, 250}, {100, 100}, 0.25);
//   grid.lefts;  // {0, 75, 150}
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

/// Rows of windows: each of `lefts` at each of `tops`, row by row.
struct EDGECV_API WindowGrid {
  Size window;
  std::vector<int> tops;   // rising
  std::vector<int> lefts;  // rising

  std::size_t count() const { return tops.size() * lefts.size(); }
  /// [count(), 4] xyxy, row by row.
  std::vector<std::int64_t> boxes() const;
};

/// Places windows as MONAI's sliding_window_inference does: int(window * (1 - overlap)) pixels
/// apart, at least 1, until one reaches the end of the image; that one is moved back inside it. A
/// window larger than the image is cut to it. Throws Error (invalid_input) unless 0 <= overlap <
/// 1 and all sides lie in 1..max_side.
EDGECV_API WindowGrid sliding_windows(Size image, Size window, double overlap);

}  // namespace edgecv
