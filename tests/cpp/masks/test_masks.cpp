#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/masks/masks.hpp"

using namespace edgecv;
using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;
using Runs = std::vector<std::uint32_t>;

namespace {

/// A crop drawn with '#' and '.'.
MaskCrop crop_of(int x, int y, const std::vector<std::string>& rows) {
  MaskCrop crop{x, y, static_cast<int>(rows[0].size()), static_cast<int>(rows.size()), {}};
  for (const std::string& row : rows) {
    for (const char pixel : row) crop.pixels.push_back(pixel == '#');
  }
  return crop;
}

std::vector<MaskCrop> paste(const Floats& masks, int size, const Floats& boxes, Size image) {
  ThreadPool pool(2);
  return paste_masks(masks.data(), boxes.size() / 4, size, boxes.data(), image, 0.5f, pool);
}

}  // namespace

TEST_CASE("a full mask is cut at the image's border") {
  const Floats masks(2 * 4 * 4, 1.f);
  // The cells' outer half fades into the padding; at 4 pixels of 4 cells the fade ends outside.
  const auto crops = paste(masks, 4, {-2, 6, 2, 10, 2, 2, 6, 6}, {8, 8});
  REQUIRE(crops.size() == 2);
  CHECK(crops[0].x == 0);
  CHECK(crops[0].y == 5);
  CHECK(crops[0].width == 4);
  CHECK(crops[0].height == 3);
  CHECK(crops[1].x == 1);
  CHECK(crops[1].width == 7);
  int set = 0;
  for (const std::uint8_t pixel : crops[1].pixels) set += pixel;
  CHECK(set == 25);  // 7 cells wide with the padding, one lost on each side
}

TEST_CASE("boxes that miss the image or have no extent") {
  const Floats masks(4 * 4, 1.f);
  for (const Floats& box :
       {Floats{-50, -50, -20, -20}, Floats{100, 2, 120, 6}, Floats{6, 2, 2, 6}}) {
    const auto crops = paste(masks, 4, box, {8, 8});
    CHECK(crops[0].width == 0);
    CHECK(crops[0].height == 0);
    CHECK(crops[0].pixels.empty());
  }
  CHECK(paste(masks, 4, {3, 3, 3, 3}, {8, 8})[0].pixels == Bytes{1});
  CHECK(paste({}, 4, {}, {8, 8}).empty());
}

TEST_CASE("a box far larger than the image is sampled only inside it") {
  const Floats masks(4 * 4, 1.f);
  const auto crops = paste(masks, 4, {-1e30f, -1e9f, 1e30f, 1e9f}, {3, 5});
  CHECK(crops[0].pixels == Bytes(15, 1));
}

TEST_CASE("a box that is not finite is refused") {
  const Floats masks(4 * 4, 1.f);
  CHECK_THROWS_WITH_AS(paste(masks, 4, {0, 0, std::nanf(""), 4}, {8, 8}),
                       "paste_masks: box 0 is not finite", Error);
  CHECK_THROWS_AS(paste(masks, 4, {0, 0, std::numeric_limits<float>::infinity(), 4}, {8, 8}),
                  Error);
}

TEST_CASE("drawing and cropping are inverse") {
  const MaskCrop crop = crop_of(2, 1, {"#..", ".##"});
  Bytes frame(4 * 6, 0);
  draw_mask(crop, {4, 6}, frame.data());
  const Bytes expected{0, 0, 0, 0, 0, 0,  //
                       0, 0, 1, 0, 0, 0,  //
                       0, 0, 0, 1, 1, 0,  //
                       0, 0, 0, 0, 0, 0};
  CHECK(frame == expected);
  const MaskCrop back = crop_mask(frame.data(), {4, 6});
  CHECK(back.x == 2);
  CHECK(back.y == 1);
  CHECK(back.width == 3);
  CHECK(back.height == 2);
  CHECK(back.pixels == crop.pixels);
  CHECK(crop_mask(Bytes(24, 0).data(), {4, 6}).pixels.empty());
}

TEST_CASE("runs go down the columns and join across a column's end") {
  CHECK(run_lengths(crop_of(1, 1, {"##"}), {3, 4}) == Runs{4, 1, 2, 1, 4});
  CHECK(run_lengths(crop_of(1, 0, {"##", "##", "##"}), {3, 4}) == Runs{3, 6, 3});
  CHECK(run_lengths(crop_of(0, 0, {"##", "#."}), {2, 2}) == Runs{0, 3, 1});
  CHECK(run_lengths(crop_of(0, 0, {"##", "##"}), {2, 2}) == Runs{0, 4});
  CHECK(run_lengths(crop_of(0, 0, {"..", ".."}), {2, 2}) == Runs{4});
  CHECK(run_lengths(MaskCrop{}, {3, 5}) == Runs{15});
}

TEST_CASE("compressed runs: five bits a character, differences from the fourth run on") {
  CHECK(compress_run_lengths({4, 1, 2, 1, 4}) == "41202");
  CHECK(compress_run_lengths({0, 3, 1}) == "031");
  CHECK(compress_run_lengths({16}) == "`0");  // the fifth bit alone would read as a minus
  CHECK(compress_run_lengths({1000}) == "Xo0");
  CHECK(compress_run_lengths({9, 8, 7, 6}) == "987N");  // 6 - 8
}

TEST_CASE("polygons of a rectangle, two parts, a hole, and pixels that touch at a corner") {
  using Polygons = std::vector<Floats>;
  CHECK(polygons(crop_of(10, 20, {"..", "##"})) == Polygons{{10, 21, 12, 21, 12, 22, 10, 22}});
  CHECK(polygons(crop_of(0, 0, {"#.#"})) ==
        Polygons{{0, 0, 1, 0, 1, 1, 0, 1}, {2, 0, 3, 0, 3, 1, 2, 1}});
  CHECK(polygons(crop_of(0, 0, {"###", "#.#", "###"})) ==
        Polygons{{0, 0, 3, 0, 3, 3, 0, 3}, {2, 1, 1, 1, 1, 2, 2, 2}});
  CHECK(polygons(crop_of(0, 0, {"#.", ".#"})) ==
        Polygons{{0, 0, 1, 0, 1, 1, 0, 1}, {1, 1, 2, 1, 2, 2, 1, 2}});
  CHECK(polygons(MaskCrop{}).empty());
}
