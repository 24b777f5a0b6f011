#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "edgecv/zones/zone_counter.hpp"
#include "refusal.hpp"
#include "zones/polygon.hpp"
#include "zones/side.hpp"

using namespace edgecv;

namespace {

const std::vector<Point> kSquare{{100, 100}, {300, 100}, {300, 300}, {100, 300}};

Zone square(BoxAnchor anchor = BoxAnchor::center) { return {"square", kSquare, {}, anchor}; }
Line across() { return {"gate", {0, 200}, {400, 200}, {}, BoxAnchor::center}; }

/// One zone, or one line, and one track after another; boxes are 40 x 40, so that a margin of 0.1
/// is 4 pixels.
struct Scene {
  ZoneCounter counter;
  double time_s = 0;

  Scene(std::vector<Zone> zones, std::vector<Line> lines, ZoneOptions options = {})
      : counter(std::move(zones), std::move(lines), options) {}

  std::vector<ZoneEvent> see(float x, float y, std::int64_t id = 1, std::int64_t label = 0) {
    const Detections found{{x - 20, y - 20, x + 20, y + 20}, {0.9f}, {label}};
    time_s += 0.1;
    return counter.update(found, {id}, {480, 640}, time_s);
  }
  std::vector<ZoneEvent> nothing(double seconds) {
    time_s += seconds;
    return counter.update({}, {}, {480, 640}, time_s);
  }
  ZoneCounts zone(std::int64_t label = 0) { return counter.zone_counts(0)[label]; }
  LineCounts line(std::int64_t label = 0) { return counter.line_counts(0)[label]; }
};

std::string refusal(const Zone& zone, const ZoneOptions& options = {}) {
  return testing::refusal(ErrorCode::invalid_input, [&] { ZoneCounter({zone}, {}, options); });
}

Zone polygon(std::vector<Point> corners) { return {"door", std::move(corners), {}}; }

}  // namespace

TEST_CASE("how deep a point lies in a polygon") {
  CHECK(depth_in(kSquare, {200, 200}) == 100);
  CHECK(depth_in(kSquare, {110, 200}) == 10);
  CHECK(depth_in(kSquare, {90, 200}) == -10);
  CHECK(depth_in(kSquare, {97, 96}) == doctest::Approx(-5));
  CHECK(depth_in(kSquare, {100, 200}) == 0);
  // A notch from above to (200, 250).
  const std::vector<Point> notched{{100, 100}, {200, 250}, {300, 100}, {300, 300}, {100, 300}};
  CHECK(depth_in(notched, {200, 200}) < 0);
  CHECK(depth_in(notched, {200, 260}) == 10);
  CHECK(depth_in(notched, {110, 150}) > 0);
  std::vector<Point> backwards(notched.rbegin(), notched.rend());
  CHECK(depth_in(backwards, {200, 260}) == 10);
  // Corners at the height of the point are met once.
  const std::vector<Point> diamond{{0, 10}, {10, 0}, {20, 10}, {10, 20}};
  CHECK(depth_in(diamond, {10, 10}) > 0);
  CHECK(depth_in(diamond, {-5, 10}) == -5);
  CHECK(depth_in(diamond, {25, 10}) == -5);
}

TEST_CASE("the part of a polygon in an image") {
  CHECK(double_area(clipped({{-10, -10}, {10, -10}, {10, 10}, {-10, 10}}, {480, 640})) == 200);
  CHECK(double_area(clipped(kSquare, {480, 640})) == 80000);
  CHECK(double_area(clipped(kSquare, {200, 200})) == 20000);
  CHECK(clipped(kSquare, {50, 640}).empty());
  CHECK(clipped({{-5, 5}, {-5, 600}}, {480, 640}).empty());
}

TEST_CASE("a side with a margin") {
  Side side(-30);
  CHECK(!side.crosses(-1, 10));
  CHECK(!side.crosses(0, 10));
  CHECK(side.crosses(2, 10));    // it was further away than the margin before
  CHECK(!side.crosses(-3, 10));  // jitter
  CHECK(!side.crosses(9, 10));
  CHECK(!side.crosses(-9, 10));
  CHECK(side.crosses(-11, 10));  // back
  CHECK(side.crosses(12, 10));
  CHECK(side.crosses(-1, 10));
  CHECK(!side.positive());
}

TEST_CASE("a track that walks through a zone") {
  Scene scene({square()}, {});
  CHECK(scene.see(50, 200).empty());
  const auto entered = scene.see(120, 200);
  REQUIRE(entered.size() == 1);
  CHECK(entered[0].kind == ZoneEventKind::enter);
  CHECK(entered[0].track_id == 1);
  CHECK(entered[0].time_s == doctest::Approx(0.2));
  CHECK(scene.zone().occupancy() == 1);
  CHECK(scene.see(200, 200).empty());
  CHECK(scene.zone().seconds == doctest::Approx(0.1));
  REQUIRE(scene.counter.visits(0).size() == 1);
  CHECK(scene.counter.visits(0)[0].since_s == doctest::Approx(0.2));
  const auto left = scene.see(310, 200);
  REQUIRE(left.size() == 1);
  CHECK(left[0].kind == ZoneEventKind::exit);
  CHECK(left[0].seconds == doctest::Approx(0.2));
  CHECK(scene.zone().occupancy() == 0);
  CHECK(scene.zone().entries == 1);
  CHECK(scene.zone().exits == 1);
  CHECK(scene.zone().seconds == doctest::Approx(0.2));
  CHECK(scene.counter.visits(0).empty());
}

TEST_CASE("jitter on the border is counted once, a true return is counted") {
  Scene scene({square()}, {});
  scene.see(80, 200);
  int events = 0;
  for (int frame = 0; frame < 50; ++frame) {
    events += static_cast<int>(scene.see(frame % 2 ? 97.f : 103.f, 200).size());
  }
  CHECK(events == 1);
  CHECK(scene.zone().entries == 1);
  CHECK(scene.zone().exits == 0);
  scene.see(90, 200);
  scene.see(110, 200);
  CHECK(scene.zone().exits == 1);
  CHECK(scene.zone().entries == 2);
}

TEST_CASE("without a margin each crossing counts") {
  ZoneOptions options;
  options.margin = 0;
  Scene scene({square()}, {}, options);
  scene.see(80, 200);
  for (int frame = 0; frame < 10; ++frame) scene.see(frame % 2 ? 97.f : 103.f, 200);
  CHECK(scene.zone().entries == 5);
  CHECK(scene.zone().exits == 5);
}

TEST_CASE("a zone that is narrower than the margin is entered and left") {
  const Zone narrow{"narrow", {{100, 0}, {104, 0}, {104, 480}, {100, 480}}, {}, BoxAnchor::center};
  Scene scene({narrow}, {});
  for (const float x : {80.f, 102.f, 120.f}) scene.see(x, 200);
  CHECK(scene.zone().entries == 1);
  CHECK(scene.zone().exits == 1);
}

TEST_CASE("what appears and vanishes inside is told from what crosses the border") {
  Scene scene({square()}, {});
  const auto appeared = scene.see(200, 200);
  REQUIRE(appeared.size() == 1);
  CHECK(appeared[0].kind == ZoneEventKind::appear);
  scene.see(210, 200);
  CHECK(scene.nothing(1.5).empty());  // hidden, not yet forgotten
  CHECK(scene.zone().occupancy() == 1);
  CHECK(scene.see(220, 200).empty());
  const auto vanished = scene.nothing(2.1);
  REQUIRE(vanished.size() == 1);
  CHECK(vanished[0].kind == ZoneEventKind::vanish);
  CHECK(vanished[0].seconds == doctest::Approx(1.7));
  CHECK(vanished[0].time_s == doctest::Approx(1.8));
  CHECK(scene.zone().occupancy() == 0);
  CHECK(scene.zone().appeared == 1);
  CHECK(scene.zone().vanished == 1);
  CHECK(scene.zone().entries == 0);
  CHECK(scene.zone().seconds == doctest::Approx(1.7));
}

TEST_CASE("tracks without an id are not counted") {
  Scene scene({square()}, {across()});
  scene.see(200, 150, -1);
  scene.see(200, 250, -1);
  CHECK(scene.counter.zone_counts(0).empty());
  CHECK(scene.counter.line_counts(0).empty());
}

TEST_CASE("classes are counted apart, and others not at all") {
  Zone zone = square();
  zone.labels = {0, 2};
  Scene scene({zone}, {});
  scene.see(200, 200, 1, 0);
  scene.see(200, 200, 2, 2);
  scene.see(200, 200, 3, 1);
  CHECK(scene.counter.zone_counts(0).size() == 2);
  CHECK(scene.zone(0).occupancy() == 1);
  CHECK(scene.zone(2).occupancy() == 1);
}

TEST_CASE("a track that changes its class leaves as what it came in") {
  Scene scene({square()}, {});
  scene.see(200, 200, 1, 0);
  scene.see(200, 200, 1, 3);
  scene.see(400, 200, 1, 3);
  CHECK(scene.zone(0).exits == 1);
  CHECK(scene.counter.zone_counts(0).size() == 1);
}

TEST_CASE("the anchor is the point that counts") {
  for (const auto& [anchor, y] :
       {std::pair{BoxAnchor::top, 305.f}, {BoxAnchor::center, 295.f}, {BoxAnchor::bottom, 95.f}}) {
    Scene scene({square(anchor)}, {});
    CHECK(scene.see(200, y).size() == 1);
  }
  for (const auto& [anchor, y] :
       {std::pair{BoxAnchor::top, 105.f}, {BoxAnchor::center, 95.f}, {BoxAnchor::bottom, 295.f}}) {
    Scene scene({square(anchor)}, {});
    CHECK(scene.see(200, y).empty());
  }
}

TEST_CASE("a line counts both directions") {
  Scene scene({}, {across()});
  CHECK(scene.see(200, 150).empty());
  const auto down = scene.see(200, 250);
  REQUIRE(down.size() == 1);
  CHECK(down[0].kind == ZoneEventKind::in);
  const auto up = scene.see(200, 150);
  REQUIRE(up.size() == 1);
  CHECK(up[0].kind == ZoneEventKind::out);
  CHECK(scene.line().in == 1);
  CHECK(scene.line().out == 1);
  // The other way round, in is up.
  Line reversed = across();
  std::swap(reversed.from, reversed.to);
  Scene other({}, {reversed});
  other.see(200, 150);
  CHECK(other.see(200, 250)[0].kind == ZoneEventKind::out);
}

TEST_CASE("jitter on a line is counted once; a stop on it, not at all twice") {
  Scene scene({}, {across()});
  scene.see(200, 180);
  for (int frame = 0; frame < 50; ++frame) scene.see(200, frame % 2 ? 198.f : 202.f);
  CHECK(scene.line().in == 1);
  CHECK(scene.line().out == 0);
  for (int frame = 0; frame < 5; ++frame) scene.see(200, 200);
  scene.see(200, 230);
  CHECK(scene.line().in == 1);
  CHECK(scene.line().out == 0);
}

TEST_CASE("who walks around the end of a line has not crossed it") {
  Scene scene({}, {{"gate", {100, 200}, {300, 200}, {}, BoxAnchor::center}});
  for (const float x : {250.f, 320.f}) scene.see(x, 150);
  scene.see(320, 250);
  scene.see(250, 250);
  CHECK(scene.counter.line_counts(0).empty());
  scene.see(250, 150);  // back through it
  CHECK(scene.line().out == 1);
  // Along the line in its margin, past the end, and over to the other side there.
  Scene along({}, {{"gate", {100, 200}, {300, 200}, {}, BoxAnchor::center}});
  along.see(200, 150);
  for (const float x : {200.f, 260.f, 340.f}) along.see(x, 199);
  along.see(340, 250);
  CHECK(along.counter.line_counts(0).empty());
}

TEST_CASE("a slanted line") {
  Scene scene({}, {{"gate", {100, 100}, {300, 300}, {}, BoxAnchor::center}});
  scene.see(250, 150);
  CHECK(scene.see(150, 250)[0].kind == ZoneEventKind::in);
  CHECK(scene.see(250, 150)[0].kind == ZoneEventKind::out);
}

TEST_CASE("a line near the image's border is crossed by what leaves there") {
  Scene scene({}, {{"exit", {0, 478}, {640, 478}, {}, BoxAnchor::bottom}});
  scene.see(200, 400);
  CHECK(scene.see(200, 459).size() == 1);  // its lower side is at 479, 1 pixel behind the line
}

TEST_CASE("hidden while it crosses") {
  Scene scene({}, {across()});
  scene.see(200, 150);
  scene.nothing(1);
  CHECK(scene.see(210, 260).size() == 1);
  scene.nothing(2.5);
  CHECK(scene.see(210, 150).empty());  // forgotten meanwhile: another visit
}

TEST_CASE("points belong to an image of another size") {
  ZoneOptions options;
  options.image = Size{960, 1280};
  ZoneCounter counter({square()}, {across()}, options);
  const Detections found{
      {80, 80, 120, 120}, {0.9f}, {0}};  // centre 100, 100; the square is 50..150
  CHECK(counter.update(found, {1}, {480, 640}, 0).size() == 1);
  CHECK(counter.zone_points(0)[2].x == 150);
  CHECK(counter.line_points(0)[1].x == 200);
  // The image becomes larger in mid-stream, and the zone with it.
  const Detections larger{{160, 160, 240, 240}, {0.9f}, {0}};
  CHECK(counter.update(larger, {1}, {960, 1280}, 1).empty());
  CHECK(counter.zone_points(0)[2].x == 300);
}

TEST_CASE("zones and lines outside the image") {
  const auto message = [](const Zone& zone, const Line& line) {
    return testing::refusal(ErrorCode::invalid_input, [&] {
      ZoneCounter counter({zone}, {line});
      counter.update({}, {}, {480, 640}, 0);
    });
  };
  const Zone inside = square();
  CHECK(message(polygon({{700, 0}, {900, 0}, {900, 100}}), across()) ==
        "zone \"door\": lies outside the image of 480 x 640 (height x width): give its points in "
        "pixels, or the size that they belong to as image_size");
  CHECK(message(polygon({{640, 0}, {900, 0}, {900, 100}}), across()) != "");    // at the border
  CHECK(message(polygon({{600, 0}, {900, 0}, {900, 100}}), across()).empty());  // partly inside
  CHECK(message(inside, {"gate", {0, 500}, {640, 500}}).find("line \"gate\": lies outside") == 0);
  CHECK(message(inside, {"gate", {0, 480}, {640, 480}}).empty());
}

TEST_CASE("polygons that cannot be are named") {
  CHECK(refusal(polygon({{0, 0}, {10, 10}})) ==
        "zone \"door\": expected a polygon of 3 to 1000 corners, got 2");
  CHECK(refusal(polygon({{0, 0}, {10, 10}, {20, 20}})) ==
        "zone \"door\": the polygon has no area: move its corners apart");
  CHECK(refusal(polygon({{5, 5}, {5, 5}, {5, 5}})).find("has no area") != std::string::npos);
  const std::string crossed =
      "zone \"door\": the polygon crosses itself: the side from [0, 0] to [10, 10] meets that from "
      "[10, 0] to [0, 20]: list the corners in order around it";
  CHECK(refusal(polygon({{0, 0}, {10, 10}, {10, 0}, {0, 20}})) == crossed);
  // A corner on another side, a side that runs back, the same corner twice.
  for (const auto& corners :
       std::vector<std::vector<Point>>{{{0, 0}, {10, 0}, {10, 10}, {5, 0}, {0, 10}},
                                       {{0, 0}, {10, 0}, {20, 0}, {10, 0}, {10, 10}},
                                       {{0, 0}, {10, 0}, {10, 0}, {10, 10}}}) {
    CHECK(refusal(polygon(corners)).find("the polygon crosses itself") != std::string::npos);
  }
  CHECK(refusal(polygon({{0, 0}, {10, 0}, {20, 0}, {20, 20}})).empty());  // a corner of 180 degrees
  CHECK(refusal(polygon({{0, 0}, {std::nan(""), 0}, {20, 20}})) ==
        "zone \"door\": expected points of -1000000 to 1000000 pixels, got [nan, 0]");
  CHECK(refusal(polygon(std::vector<Point>(1001))).find("got 1001") != std::string::npos);
}

TEST_CASE("names, lines and options that cannot be are named") {
  const auto message = [](std::vector<Zone> zones, std::vector<Line> lines) {
    return testing::refusal(ErrorCode::invalid_input, [&] { ZoneCounter(zones, lines); });
  };
  CHECK(message({square(), square()}, {}) == "zone \"square\": another zone or line has this name");
  CHECK(message({square()}, {{"square", {0, 0}, {1, 1}}}) ==
        "line \"square\": another zone or line has this name");
  CHECK(message({{"", kSquare, {}}}, {}) == "zone \"\": expected a name");
  CHECK(message({}, {{"gate", {3, 3}, {3, 3}}}) ==
        "line \"gate\": both ends are the same point: move them apart");
  ZoneOptions options;
  options.margin = -1;
  CHECK(refusal(square(), options) == "margin: expected 0 to 10, got -1");
  options = {};
  options.forget_s = std::nan("");
  CHECK(refusal(square(), options) == "forget_s: expected 0 to 3600 seconds, got nan");
  options = {};
  options.image = Size{0, 640};
  CHECK(refusal(square(), options) ==
        "image_size: expected sides above 0, got 0 x 640 (height x width)");
}

TEST_CASE("times, sizes and indices that cannot be are refused") {
  ZoneCounter counter({square()}, {});
  counter.update({}, {}, {480, 640}, 2);
  const auto message = [](auto action) {
    return testing::refusal(ErrorCode::invalid_input, action);
  };
  CHECK(message([&] {
          counter.update({}, {}, {480, 640}, 1);
        }).find("time_s: expected a time of 2 or later") == 0);
  CHECK(message([&] { counter.update({}, {}, {480, 640}, std::nan("")); }) != "");
  CHECK(message([&] { counter.update({}, {}, {0, 640}, 3); }) != "");
  CHECK(message([&] { counter.update({}, {1}, {480, 640}, 3); }) ==
        "track_ids: expected 0, one for each detection, got 1");
  CHECK(message([&] { counter.zone_counts(1); }) == "expected the index of one of 1, got 1");
  CHECK(message([&] { counter.line_counts(0); }) == "expected the index of one of 0, got 0");
}

TEST_CASE("boxes that are not finite are not counted; reset forgets all") {
  Scene scene({square()}, {across()});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(scene.see(nan, 200).empty());
  CHECK(scene.see(inf, 200).empty());
  scene.see(200, 150);
  scene.see(200, 250);
  CHECK(scene.zone().appeared == 1);
  CHECK(scene.line().in == 1);
  scene.counter.reset();
  scene.time_s = 0;
  CHECK(scene.counter.zone_counts(0).empty());
  CHECK(scene.counter.line_counts(0).empty());
  CHECK(scene.see(200, 250).size() == 1);
}

TEST_CASE("occupancy is what came in less what went out, for any walk") {
  Scene scene({square()}, {});
  unsigned state = 1;
  std::int64_t inside = 0;
  for (int frame = 0; frame < 3000; ++frame) {
    state = state * 1664525u + 1013904223u;
    const auto x = static_cast<float>(state >> 16 & 511u), y = static_cast<float>(state >> 23);
    for (const ZoneEvent& event : scene.see(x, y, 1 + frame % 7)) {
      inside += event.kind == ZoneEventKind::enter || event.kind == ZoneEventKind::appear ? 1 : -1;
    }
    REQUIRE(scene.zone().occupancy() == inside);
    REQUIRE(scene.counter.visits(0).size() == static_cast<std::size_t>(inside));
  }
  CHECK(scene.zone().entries > 100);
}
