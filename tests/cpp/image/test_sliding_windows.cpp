#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/image/sliding_windows.hpp"
#include "refusal.hpp"

using namespace edgecv;
using Starts = std::vector<int>;

namespace {

std::string refusal(Size image, Size window, double overlap) {
  return testing::refusal(ErrorCode::invalid_input,
                          [&] { sliding_windows(image, window, overlap); });
}

}  // namespace

TEST_CASE("windows of 320 x 480 with a quarter of overlap on 1080p") {
  const WindowGrid grid = sliding_windows({1080, 1920}, {320, 480}, 0.25);
  CHECK(grid.window == Size{320, 480});
  CHECK(grid.tops == Starts{0, 240, 480, 720, 760});
  CHECK(grid.lefts == Starts{0, 360, 720, 1080, 1440});
  CHECK(grid.count() == 25);
}

TEST_CASE("windows that fit exactly, that are the image, that are larger") {
  CHECK(sliding_windows({8, 8}, {4, 4}, 0).tops == Starts{0, 4});
  CHECK(sliding_windows({4, 4}, {4, 4}, 0.9).tops == Starts{0});
  const WindowGrid larger = sliding_windows({3, 9}, {4, 4}, 0.5);
  CHECK(larger.window == Size{3, 4});
  CHECK(larger.tops == Starts{0});
  CHECK(larger.lefts == Starts{0, 2, 4, 5});
  CHECK(larger.boxes() ==
        std::vector<std::int64_t>{0, 0, 4, 3, 2, 0, 6, 3, 4, 0, 8, 3, 5, 0, 9, 3});
}

TEST_CASE("windows are never less than a pixel apart") {
  CHECK(sliding_windows({1, 5}, {1, 3}, 0.99).lefts == Starts{0, 1, 2});
}

TEST_CASE("sides and overlaps that cannot be are refused") {
  CHECK(refusal({8, 8}, {4, 4}, 1) == "overlap: expected a number from 0 to below 1, got 1");
  CHECK(refusal({8, 8}, {4, 4}, -0.5) == "overlap: expected a number from 0 to below 1, got -0.5");
  CHECK(refusal({8, 8}, {4, 4}, std::numeric_limits<double>::quiet_NaN()) != "");
  CHECK(refusal({0, 8}, {4, 4}, 0) ==
        "image_size: expected a height and a width of 1 to 65535, got [0, 8]");
  CHECK(refusal({8, 8}, {4, 70000}, 0) ==
        "window: expected a height and a width of 1 to 65535, got [4, 70000]");
}
