#include <doctest/doctest.h>

#include "edgecv/boxes/grid_anchors.hpp"
#include "edgecv/error.hpp"

using namespace edgecv;

TEST_CASE("boxes of a cell: all sizes of a ratio, rounded, halves to even") {
  // Half sides of 1.5, 2.5 and 3.5 pixels.
  const GridAnchors squares{{{3, 5, 7}}, {{1}}};
  CHECK(cell_anchors(squares, 0) == std::vector<float>{-2, -2, 2, 2, -2, -2, 2, 2, -4, -4, 4, 4});
  // Ratios are height / width: 4 makes 16 x 64 of 32.
  const GridAnchors tall{{{32, 64}}, {{4, 0.25f}}};
  CHECK(cell_anchors(tall, 0) ==
        std::vector<float>{-8, -32, 8, 32, -16, -64, 16, 64, -32, -8, 32, 8, -64, -16, 64, 16});
}

TEST_CASE("cells row by row, levels one after another, strides rounded down") {
  const GridAnchors spec{{{2}, {4}}, {{1}, {1}}};
  // 9 / 2 = 4 rows apart, 7 / 3 = 2 columns apart.
  CHECK(generate_anchors(spec, {{2, 3}, {1, 1}}, {9, 7}) ==
        std::vector<float>{-1, -1, 1, 1, 1, -1, 3, 1, 3, -1, 5,  1,  -1, 3,
                           1,  5,  1, 3, 3, 5,  3, 3, 5, 5,  -2, -2, 2,  2});
}

TEST_CASE("anchors that cannot be") {
  const GridAnchors spec{{{2}, {4}}, {{1}, {1}}};
  CHECK_THROWS_WITH_AS(generate_anchors(spec, {{2, 3}}, {9, 7}),
                       doctest::Contains("for each of the 1 feature maps, got 2 and 2"), Error);
  CHECK_THROWS_WITH_AS(generate_anchors(spec, {{2, 3}, {0, 1}}, {9, 7}),
                       doctest::Contains("the feature map is [0, 1]"), Error);
  CHECK_THROWS_WITH_AS(generate_anchors({{{}}, {{1}}}, {{2, 3}}, {9, 7}),
                       doctest::Contains("at least one size"), Error);
  CHECK_THROWS_WITH_AS(generate_anchors({{{2}}, {{-1}}}, {{2, 3}}, {9, 7}),
                       doctest::Contains("all positive"), Error);
}
