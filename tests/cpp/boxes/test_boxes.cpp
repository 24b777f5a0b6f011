#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "edgecv/boxes/anchors.hpp"
#include "edgecv/boxes/boxes.hpp"
#include "edgecv/boxes/matching.hpp"
#include "edgecv/error.hpp"

using namespace edgecv;
using Floats = std::vector<float>;

TEST_CASE("box_convert goes between all formats") {
  const Floats xyxy{10, 20, 30, 60}, cxcywh{20, 40, 20, 40}, xywh{10, 20, 20, 40};
  const auto convert = [](const Floats& boxes, BoxFormat from, BoxFormat to) {
    Floats result(boxes.size());
    box_convert(boxes.data(), boxes.size() / 4, from, to, result.data());
    return result;
  };
  CHECK(convert(xyxy, BoxFormat::xyxy, BoxFormat::cxcywh) == cxcywh);
  CHECK(convert(xyxy, BoxFormat::xyxy, BoxFormat::xywh) == xywh);
  CHECK(convert(cxcywh, BoxFormat::cxcywh, BoxFormat::xyxy) == xyxy);
  CHECK(convert(xywh, BoxFormat::xywh, BoxFormat::cxcywh) == cxcywh);
}

TEST_CASE("box_convert to the same format changes no bit") {
  // 0.1 + 0.2 - 0.1 is not 0.2 in float32; an empty list, NaN and -0 stay too.
  const Floats boxes{0.1f, 33554432.f, 0.2f, 1.f, -0.f, std::nanf("7"), 1e-30f, 0.7f};
  for (const BoxFormat format : {BoxFormat::xyxy, BoxFormat::cxcywh, BoxFormat::xywh}) {
    Floats result(8), in_place = boxes;
    box_convert(boxes.data(), 2, format, format, result.data());
    CHECK(std::memcmp(result.data(), boxes.data(), 8 * sizeof(float)) == 0);
    box_convert(in_place.data(), 2, format, format, in_place.data());
    CHECK(std::memcmp(in_place.data(), boxes.data(), 8 * sizeof(float)) == 0);
    box_convert(nullptr, 0, format, format, nullptr);
  }
}

TEST_CASE("has_area: not without width or height, inside out, or NaN") {
  const auto of = [](const Floats& box) { return has_area(box.data()); };
  CHECK(of({1, 2, 3, 4}));
  CHECK(of({-3, -4, -1, -2}));
  for (const Floats& box : {Floats{1, 2, 1, 4},
                            {1, 2, 3, 2},
                            {3, 2, 1, 4},
                            {1, 4, 3, 2},
                            {3, 4, 1, 2},
                            {1, 2, std::nanf(""), 4},
                            {std::nanf(""), 2, 3, 4}}) {
    CHECK_FALSE(of(box));
  }
}

TEST_CASE("box_iou: half, none, whole, and NaN for two empty boxes") {
  const Floats a{0, 0, 2, 2, 5, 5, 5, 5}, b{1, 0, 3, 2, 10, 10, 11, 11, 0, 0, 2, 2, 7, 7, 7, 7};
  Floats iou(8);
  box_iou(a.data(), 2, b.data(), 4, iou.data());
  CHECK(iou[0] == 2.f / 6.f);
  CHECK(iou[1] == 0);
  CHECK(iou[2] == 1);
  CHECK(iou[4] == 0);
  CHECK(std::isnan(iou[7]));
}

TEST_CASE("clip_boxes holds x to the width and y to the height") {
  const Floats boxes{-5, -6, 700, 500, 10, 20, 30, 40};
  Floats clipped(8);
  clip_boxes(boxes.data(), 2, 480, 640, clipped.data());
  CHECK(clipped == Floats{0, 0, 640, 480, 10, 20, 30, 40});
}

TEST_CASE("deltas of a box shifted by half its anchor and twice as large") {
  const Floats anchor{0, 0, 10, 20}, box{0, 0, 20, 40};
  Floats deltas(4), back(4);
  encode_boxes(box.data(), anchor.data(), 1, BoxCoder{}, deltas.data());
  CHECK(deltas[0] == doctest::Approx(5));
  CHECK(deltas[1] == doctest::Approx(5));
  CHECK(deltas[2] == doctest::Approx(5 * std::log(2.0)));
  decode_boxes(deltas.data(), anchor.data(), 1, BoxCoder{}, back.data());
  for (int k = 0; k < 4; ++k) CHECK(back[k] == doctest::Approx(box[k]).epsilon(1e-6));
}

TEST_CASE("decoding cuts scales at max_log_scale") {
  const Floats anchor{0, 0, 16, 16}, deltas{0, 0, 1000, 1000};
  Floats box(4);
  decode_boxes(deltas.data(), anchor.data(), 1, BoxCoder{}, box.data());
  CHECK(box[2] - box[0] == doctest::Approx(1000).epsilon(1e-5));
}

TEST_CASE("multibox_prior: the book's example") {
  const Size image{561, 728};
  const Floats pixels = multibox_prior({561, 728}, {.75f, .5f, .25f}, {1, 2, .5f}, &image);
  const Floats unit = multibox_prior({561, 728}, {.75f, .5f, .25f}, {1, 2, .5f});
  REQUIRE(pixels.size() == 561u * 728 * 5 * 4);
  const std::size_t at = (250u * 728 + 250) * 5 * 4;
  const float in_pixels[] = {.06f, .07f, .63f, .82f}, in_units[] = {-.03f, .07f, .72f, .82f};
  for (int k = 0; k < 4; ++k) {
    CHECK(std::abs(pixels[at + k] - in_pixels[k]) < 0.005f);
    CHECK(std::abs(unit[at + k] - in_units[k]) < 0.005f);
  }
}

TEST_CASE("multibox_prior refuses what has no meaning") {
  CHECK_THROWS_AS(multibox_prior({0, 4}, {.5f}, {1}), Error);
  CHECK_THROWS_AS(multibox_prior({4, 4}, {}, {1}), Error);
  CHECK_THROWS_AS(multibox_prior({4, 4}, {.5f}, {-1}), Error);
}

TEST_CASE("default boxes of one cell, by hand") {
  DefaultBoxes spec;
  spec.feature_sizes = {{1, 1}};
  spec.aspect_ratios = {{4}};
  spec.scales = {0.25, 1.0};
  const Floats boxes = generate_anchors(spec, {100, 200});
  // Squares of 0.25 and sqrt(0.25 * 1) = 0.5, then ratio 4 at 0.25: 0.5 x 0.125 and its inverse.
  const Floats expected{75, 37.5,  125, 62.5,  50,   25, 150,   75,
                        50, 43.75, 150, 56.25, 87.5, 25, 112.5, 75};
  CHECK(boxes == expected);
}

TEST_CASE("assign_anchors: each box first gets its own anchor, then the threshold decides") {
  const Floats anchors{0, 0, 10, 10, 0, 0, 10, 9, 50, 50, 60, 60, 100, 100, 110, 110};
  const Floats boxes{0, 0, 10, 10, 0, 0, 10, 9.5f, 52, 52, 70, 70};
  // Box 0 fits anchor 0 exactly; box 1 would take anchor 0 or 1 (0.95 each) and gets 1; box 2
  // overlaps anchor 2 below the threshold and gets it all the same; anchor 3 stays background.
  CHECK(assign_anchors(anchors.data(), 4, boxes.data(), 3) ==
        std::vector<std::int64_t>{0, 1, 2, -1});
  CHECK(assign_anchors(anchors.data(), 4, nullptr, 0) == std::vector<std::int64_t>(4, -1));
  CHECK(assign_anchors(anchors.data(), 1, boxes.data(), 3) == std::vector<std::int64_t>{0});
}
