#include <doctest/doctest.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "tracking/box_motion.hpp"

using namespace edgecv;

namespace {

struct Step {
  int filter = 0;
  bool first = false;
  double frames = 0;
  TrackBox measured, expected, after;
};

void check_box(const TrackBox& box, const TrackBox& right) {
  for (std::size_t i = 0; i < 4; ++i) CHECK(box[i] == doctest::Approx(right[i]).epsilon(1e-9));
}

/// Runs the steps of one filter; gives their number.
template <typename Motion>
int check_steps(int filter) {
  std::ifstream file(EDGECV_GOLDEN "/tracking/motion.txt");
  std::string line;
  std::optional<Motion> motion;
  int steps = 0;
  while (std::getline(file, line)) {
    std::istringstream numbers(line);
    Step step;
    numbers >> step.filter >> step.first >> step.frames;
    for (TrackBox* box : {&step.measured, &step.expected, &step.after}) {
      for (double& side : *box) numbers >> side;
    }
    REQUIRE(numbers);
    if (step.filter != filter) continue;
    ++steps;
    if (step.first) {
      motion.emplace(step.measured);
    } else {
      motion->predict(step.frames);
      check_box(motion->box(), step.expected);
      motion->update(step.measured);
    }
    check_box(motion->box(), step.after);
  }
  return steps;
}

}  // namespace

TEST_CASE("the filters are those that NumPy makes of whole matrices") {
  CHECK(check_steps<CenterHeightMotion>(0) == 80);
  CHECK(check_steps<CenterAreaMotion>(1) == 80);
}

TEST_CASE("a prediction of several frames is that of each of them") {
  KalmanAxis one(3, 2, 1), several = one;
  for (int frame = 0; frame < 5; ++frame) one.predict(1, 0.3, 0.2);
  several.predict(5, 0.3, 0.2);
  CHECK(several.pp == doctest::Approx(one.pp));
  CHECK(several.ps == doctest::Approx(one.ps));
  CHECK(several.ss == doctest::Approx(one.ss));
  several.update(10, 0.5);
  one.update(10, 0.5);
  for (int frame = 0; frame < 3; ++frame) one.predict(1, 0.3, 0.2);
  several.predict(3, 0.3, 0.2);
  CHECK(several.position == doctest::Approx(one.position));
  CHECK(several.speed == doctest::Approx(one.speed));
}

TEST_CASE("the covariance of a part of a frame is one") {
  for (const double frames : {0.0, 0.01, 0.5, 0.99, 1.5}) {
    KalmanAxis axis(0, 0, 0);
    axis.predict(frames, 1, 1);
    CHECK(axis.pp * axis.ss >= axis.ps * axis.ps);
  }
}

TEST_CASE("an area that shrinks stays above 0") {
  CenterAreaMotion motion({0, 0, 100, 100});
  for (const double side : {80, 60, 40, 20}) {
    motion.predict(1);
    motion.update({0, 0, side, side});
  }
  motion.predict(50);
  const TrackBox box = motion.box();
  CHECK(box[2] > box[0]);
  CHECK(box[3] > box[1]);
}
