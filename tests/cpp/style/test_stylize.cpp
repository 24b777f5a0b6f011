// From the network's output to pixels.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/style/stylize.hpp"

using namespace edgecv;

namespace {

std::uint8_t level(double value) {
  return static_cast<std::uint8_t>(std::min(std::max(std::nearbyint(value), 0.0), 255.0));
}

std::vector<float> random_planes(Size size, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-60.f, 320.f);
  std::vector<float> planes(static_cast<std::size_t>(3 * size.height * size.width));
  for (float& value : planes) value = values(random);
  return planes;
}

}  // namespace

TEST_CASE("levels are rounded to nearest, ties to even, and cut to 0..255") {
  const std::vector<float> planes{-3.f, 0.5f, 1.5f, 254.5f, 255.4f, 1e9f,    // red
                                  0.f,  1.f,  2.f,  3.f,    4.f,    5.f,     // green
                                  2.5f, 9.4f, 9.6f, -0.4f,  -1e9f,  127.f};  // blue
  StylizeSpec spec;
  std::vector<std::uint8_t> bgr(18);
  write_image(spec, planes.data(), {1, 6}, {bgr.data(), {1, 6}, 18});
  CHECK(bgr == std::vector<std::uint8_t>{2, 0, 0, 9, 1, 0, 10, 2, 2,  //
                                         0, 3, 254, 0, 4, 255, 127, 5, 255});
  spec.color = Color::bgr;
  write_image(spec, planes.data(), {1, 6}, {bgr.data(), {1, 6}, 18});
  CHECK(bgr[0] == 0);
  CHECK(bgr[2] == 2);
}

TEST_CASE("the top left is written, for every size and scale") {
  StylizeSpec spec;
  spec.scale = 127.5;
  spec.offset = 127.5;
  for (const Size size : {Size{1, 1}, Size{3, 5}, Size{7, 33}, Size{64, 130}}) {
    const Size tensor{size.height + 3, size.width + 2};
    std::vector<float> planes = random_planes(tensor, 1);
    for (float& value : planes) value = value / 200;
    const std::ptrdiff_t stride = 3 * size.width + 7;
    std::vector<std::uint8_t> bgr(static_cast<std::size_t>(stride * size.height), 77);
    ThreadPool pool(3);
    write_image(spec, planes.data(), tensor, {bgr.data(), size, stride}, pool);
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        for (int c = 0; c < 3; ++c) {
          const int plane = 2 - c;  // rgb planes, bgr pixels
          const float value =
              planes[static_cast<std::size_t>((plane * tensor.height + y) * tensor.width + x)];
          CHECK(bgr[static_cast<std::size_t>(y * stride + 3 * x + c)] ==
                level(value * 127.5f + 127.5f));
        }
      }
      CHECK(bgr[static_cast<std::size_t>(y * stride + 3 * size.width)] ==
            77);  // not the next one's
    }
  }
}

TEST_CASE("NaN and infinity are refused where they would be seen") {
  const Size tensor{4, 20};
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    std::vector<float> planes = random_planes(tensor, 2);
    std::vector<std::uint8_t> bgr(3 * 4 * 20);
    StylizeSpec spec;
    spec.picture_output = "picture";
    planes[static_cast<std::size_t>(4 * 20 + 3 * 20 + 19)] = bad;  // the last of green
    CHECK_THROWS_WITH_AS(
        write_image(spec, planes.data(), tensor, {bgr.data(), tensor, 60}),
        doctest::Contains("output \"picture\" of the network holds NaN or infinity"), Error);
    CHECK_NOTHROW(write_image(spec, planes.data(), tensor, {bgr.data(), {3, 20}, 60}));
    CHECK_NOTHROW(write_image(spec, planes.data(), tensor, {bgr.data(), {4, 19}, 57}));
  }
}

TEST_CASE("a tile fades in around the middle of the overlap") {
  const Fade fade = fade_in(128);
  CHECK(fade(59) == 0.f);
  CHECK(fade(60) == doctest::Approx(0.0625f));
  CHECK(fade(63) + fade(64) == doctest::Approx(1.f));
  CHECK(fade(68) == 1.f);
  CHECK(Fade{}(0) == 1.f);      // a tile without a neighbour
  CHECK(fade_in(0)(0) == 1.f);  // neighbours that only touch
  CHECK(fade_in(1)(0) == 0.5f);
}

TEST_CASE("a blended tile lies over what is there") {
  const Size size{12, 50};
  const std::vector<float> planes = random_planes(size, 3);
  StylizeSpec spec;
  spec.color = Color::bgr;
  std::vector<std::uint8_t> bgr(static_cast<std::size_t>(3 * size.height * size.width));
  for (std::size_t i = 0; i < bgr.size(); ++i) bgr[i] = static_cast<std::uint8_t>(i * 7);
  const std::vector<std::uint8_t> before = bgr;
  const Fade across{8, 24};
  blend_image(spec, planes.data(), size, {bgr.data(), size, 150}, across);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto i = static_cast<std::size_t>(3 * (y * size.width + x) + c);
        const float value =
            planes[static_cast<std::size_t>((c * size.height + y) * size.width + x)];
        const float cut = std::min(std::max(value, 0.f), 255.f);
        const float old = before[i];
        CHECK(bgr[i] == level(old + across(x) * (cut - old)));
      }
    }
  }
}

TEST_CASE("rows fade in as one") {
  std::vector<std::uint8_t> below(6 * 9, 200), over(4 * 9, 100);
  blend_rows(over.data(), {below.data() + 9, {4, 3}, 9}, Fade{10, 14}, 10);
  const std::uint8_t expected[] = {200, 188, 162, 138, 112, 200};  // 12.5, 37.5, 62.5, 87.5 %
  for (int y = 0; y < 6; ++y) {
    for (int i = 0; i < 9; ++i) CHECK(below[static_cast<std::size_t>(9 * y + i)] == expected[y]);
  }
}
