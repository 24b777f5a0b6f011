#include "edgecv/image/sliding_windows.hpp"

#include <algorithm>
#include <string>

#include "bundle/bundle_error.hpp"
#include "edgecv/error.hpp"

namespace edgecv {
namespace {

void check_sides(const char* name, Size size) {
  if (std::min(size.height, size.width) < 1 || std::max(size.height, size.width) > max_side) {
    throw Error(ErrorCode::invalid_input,
                std::string(name) + ": expected a height and a width of 1 to " +
                    std::to_string(max_side) + ", got [" + std::to_string(size.height) + ", " +
                    std::to_string(size.width) + "]");
  }
}

std::vector<int> starts(int side, int window, double overlap) {
  const int step = std::max(static_cast<int>(window * (1 - overlap)), 1);
  std::vector<int> result;
  for (int start = 0;; start += step) {
    result.push_back(std::min(start, side - window));
    if (start >= side - window) return result;
  }
}

}  // namespace

std::vector<std::int64_t> WindowGrid::boxes() const {
  std::vector<std::int64_t> result;
  result.reserve(4 * count());
  for (const int top : tops) {
    for (const int left : lefts) {
      result.insert(result.end(), {left, top, left + window.width, top + window.height});
    }
  }
  return result;
}

WindowGrid sliding_windows(Size image, Size window, double overlap) {
  check_sides("image_size", image);
  check_sides("window", window);
  if (!(overlap >= 0 && overlap < 1)) {
    throw Error(ErrorCode::invalid_input,
                "overlap: expected a number from 0 to below 1, got " + shortest_digits(overlap));
  }
  WindowGrid grid;
  grid.window = {std::min(window.height, image.height), std::min(window.width, image.width)};
  grid.tops = starts(image.height, grid.window.height, overlap);
  grid.lefts = starts(image.width, grid.window.width, overlap);
  return grid;
}

}  // namespace edgecv
