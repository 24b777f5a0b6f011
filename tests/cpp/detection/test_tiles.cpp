// Tiles: views of an image, masks of pieces.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "edgecv/detection/tiles.hpp"
#include "edgecv/error.hpp"

using namespace edgecv;

TEST_CASE("crop is a view of the same memory") {
  std::vector<std::uint8_t> bytes(1000);
  Image image;
  image.data = bytes.data();
  image.height = 10;
  image.width = 8;
  image.stride = 40;
  image.format = PixelFormat::bgr;
  const Image part = crop(image, 3, 2, {4, 5});
  CHECK(part.data == bytes.data() + 2 * 40 + 3 * 3);
  CHECK(part.size() == Size{4, 5});
  CHECK(part.stride == 40);
  image.format = PixelFormat::gray;
  CHECK(crop(image, 3, 2, {4, 5}).data == bytes.data() + 2 * 40 + 3);

  image.format = PixelFormat::yuyv;
  CHECK(crop(image, 2, 3, {3, 4}).data == bytes.data() + 3 * 40 + 2 * 2);
  CHECK_THROWS_AS(crop(image, 3, 2, {4, 4}), Error);

  image.format = PixelFormat::nv12;
  const Image planes = crop(image, 2, 4, {6, 4});
  CHECK(planes.data == bytes.data() + 4 * 40 + 2);
  CHECK(planes.chroma == bytes.data() + (10 + 2) * 40 + 2);
  CHECK(planes.chroma_stride == 40);
  CHECK_THROWS_AS(crop(image, 2, 3, {4, 4}), Error);
  image.chroma = bytes.data() + 500;
  image.chroma_stride = 20;
  CHECK(crop(image, 2, 4, {6, 4}).chroma == bytes.data() + 500 + 2 * 20 + 2);
}

TEST_CASE("crop stays inside") {
  std::vector<std::uint8_t> bytes(1000);
  Image image;
  image.data = bytes.data();
  image.height = 10;
  image.width = 8;
  image.stride = 24;
  CHECK_NOTHROW(crop(image, 0, 0, {10, 8}));
  CHECK_NOTHROW(crop(image, 7, 9, {1, 1}));
  for (const auto& [x, y, height, width] : std::vector<std::array<int, 4>>{
           {-1, 0, 1, 1}, {0, -1, 1, 1}, {0, 0, 0, 1}, {0, 0, 1, 0}, {4, 0, 1, 5}, {0, 4, 7, 1}}) {
    CHECK_THROWS_AS(crop(image, x, y, {height, width}), Error);
  }
}

TEST_CASE("masks are united where they lie") {
  const MaskCrop left{2, 3, 2, 2, {1, 0, 1, 1}};
  const MaskCrop right{3, 4, 2, 2, {0, 1, 1, 1}};
  const MaskCrop nothing;
  const MaskCrop united = unite_masks({&left, &nothing, &right});
  CHECK(united.x == 2);
  CHECK(united.y == 3);
  CHECK(united.width == 3);
  CHECK(united.height == 3);
  CHECK(united.pixels == std::vector<std::uint8_t>{1, 0, 0, 1, 1, 1, 0, 1, 1});
  CHECK(unite_masks({&nothing}).pixels.empty());
  CHECK(unite_masks({}).pixels.empty());
}

TEST_CASE("tiles of an image") {
  TileSpec spec;
  spec.size = {60, 60};
  spec.overlap = 0.5;
  CHECK(tiles_of(spec, {60, 90}) == std::vector<std::int64_t>{0, 0, 60, 60, 30, 0, 90, 60});
  spec.whole = true;
  CHECK(tiles_of(spec, {60, 90}) ==
        std::vector<std::int64_t>{0, 0, 60, 60, 30, 0, 90, 60, 0, 0, 90, 60});
  CHECK(tiles_of(spec, {40, 50}) == std::vector<std::int64_t>{0, 0, 50, 40});
  spec.match_threshold = 1.5;
  CHECK_THROWS_AS(tiles_of(spec, {60, 90}), Error);
}
