#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "edgecv/tracking/byte_track.hpp"
#include "edgecv/tracking/oc_sort.hpp"
#include "refusal.hpp"

using namespace edgecv;
using Ids = std::vector<std::int64_t>;

namespace {

std::vector<std::unique_ptr<Tracker>> both(const TrackerOptions& options = {}) {
  std::vector<std::unique_ptr<Tracker>> trackers;
  trackers.push_back(std::make_unique<ByteTrack>(options));
  trackers.push_back(std::make_unique<OcSort>(options));
  return trackers;
}

/// One box of 40 x 80 pixels at x, y.
Detections box_at(float x, float y, float score = 0.9f, std::int64_t label = 0) {
  return {{x, y, x + 40, y + 80}, {score}, {label}};
}

Detections together(const Detections& a, const Detections& b) {
  Detections all = a;
  all.boxes.insert(all.boxes.end(), b.boxes.begin(), b.boxes.end());
  all.scores.insert(all.scores.end(), b.scores.begin(), b.scores.end());
  all.labels.insert(all.labels.end(), b.labels.begin(), b.labels.end());
  return all;
}

}  // namespace

TEST_CASE("golden tracks") {
  std::ifstream file(EDGECV_GOLDEN "/tracking/tracks.txt");
  ByteTrack byte_track;
  OcSort oc_sort;
  Detections frame;
  Ids byte_ids, oc_ids;
  double time_s = 0, frames = 0;
  int number = 0;
  const auto finish = [&] {
    ++frames;
    CHECK(byte_track.update(frame, time_s) == byte_ids);
    CHECK(oc_sort.update(frame, time_s) == oc_ids);
    frame = {};
    byte_ids.clear();
    oc_ids.clear();
  };
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream numbers(line);
    int index;
    double seconds;
    float box[4], score;
    std::int64_t label, byte_id, oc_id;
    numbers >> index >> seconds >> box[0] >> box[1] >> box[2] >> box[3] >> score >> label >>
        byte_id >> oc_id;
    REQUIRE(numbers);
    if (index != number) finish();
    number = index;
    time_s = seconds;
    frame = together(frame, {{box[0], box[1], box[2], box[3]}, {score}, {label}});
    byte_ids.push_back(byte_id);
    oc_ids.push_back(oc_id);
  }
  finish();
  CHECK(frames > 40);
}

TEST_CASE("an id comes with the second sight, stays, and is not used again") {
  for (const auto& tracker : both()) {
    CHECK(tracker->update(box_at(10, 10)) == Ids{-1});
    CHECK(tracker->update(box_at(12, 10)) == Ids{1});
    CHECK(tracker->update(box_at(14, 10)) == Ids{1});
    CHECK(tracker->update(together(box_at(500, 10), box_at(16, 10))) == Ids{-1, 1});
    CHECK(tracker->update(together(box_at(18, 10), box_at(500, 10))) == Ids{1, 2});
    for (int frame = 0; frame < 40; ++frame) CHECK(tracker->update(Detections{}).empty());
    CHECK(tracker->update(box_at(18, 10)) == Ids{-1});
    CHECK(tracker->update(box_at(18, 10)) == Ids{3});
    tracker->reset();
    CHECK(tracker->update(box_at(18, 10), 0.0) == Ids{-1});
    CHECK(tracker->update(box_at(18, 10)) == Ids{1});
  }
}

TEST_CASE("more sights can be asked for, or one") {
  TrackerOptions options;
  options.confirm_hits = 4;
  for (const auto& tracker : both(options)) {
    for (int frame = 0; frame < 3; ++frame) CHECK(tracker->update(box_at(10, 10)) == Ids{-1});
    CHECK(tracker->update(box_at(10, 10)) == Ids{1});
  }
  options.confirm_hits = 1;
  for (const auto& tracker : both(options)) CHECK(tracker->update(box_at(10, 10)) == Ids{1});
}

TEST_CASE("a track that was hidden is found again within lost_s, by the clock") {
  for (const double gap : {0.9, 1.1}) {
    for (const auto& tracker : both()) {
      for (int frame = 0; frame < 10; ++frame) tracker->update(box_at(10, 10), frame * 0.04);
      tracker->update(Detections{}, 0.4);
      CHECK(tracker->update(box_at(10, 10), 0.36 + gap) == Ids{gap < 1 ? 1 : -1});
    }
  }
}

TEST_CASE("tracks move on by the time that has passed, however many frames are missing") {
  for (const auto& tracker : both()) {
    double time_s = 0;
    const auto seen_at = [](double t) { return box_at(static_cast<float>(300 * t), 10); };
    for (; time_s < 1; time_s += 1 / 30.0) tracker->update(seen_at(time_s), time_s);
    // 150 pixels further: no overlap with where it was seen last.
    CHECK(tracker->update(seen_at(time_s + 0.5), time_s + 0.5) == Ids{1});
  }
}

TEST_CASE("a frame at the time of the one before is tracked") {
  for (const auto& tracker : both()) {
    tracker->update(box_at(10, 10), 1.0);
    CHECK(tracker->update(box_at(10, 10), 1.0) == Ids{1});
    CHECK(tracker->update(box_at(10, 10), 1.0) == Ids{1});
  }
}

TEST_CASE("ByteTrack continues tracks with low scores and begins none; OC-SORT does not use them") {
  ByteTrack byte_track;
  OcSort oc_sort;
  for (Tracker* tracker : {static_cast<Tracker*>(&byte_track), static_cast<Tracker*>(&oc_sort)}) {
    tracker->update(box_at(10, 10));
    tracker->update(box_at(10, 10));
  }
  const Detections low = together(box_at(11, 10, 0.2f), box_at(400, 10, 0.2f));
  CHECK(byte_track.update(low) == Ids{1, -1});
  CHECK(byte_track.update(low) == Ids{1, -1});
  CHECK(byte_track.update(box_at(11, 10, 0.05f)) == Ids{-1});
  CHECK(oc_sort.update(low) == Ids{-1, -1});
}

TEST_CASE("each label has its threshold") {
  TrackerOptions options;
  options.thresholds = {0.5f, 0.8f};
  for (const auto& tracker : both(options)) {
    const Detections found = together(box_at(10, 10, 0.7f, 0), box_at(300, 10, 0.7f, 1));
    tracker->update(found);
    CHECK(tracker->update(found) == Ids{1, -1});
    const std::string message = testing::refusal(ErrorCode::invalid_input,
                                                 [&] { tracker->update(box_at(10, 10, 0.7f, 2)); });
    CHECK(message == "labels: expected labels below 2, the number of thresholds, got 2");
  }
}

TEST_CASE("a track keeps to its label, unless it may change") {
  for (const bool by_label : {true, false}) {
    TrackerOptions options;
    options.by_label = by_label;
    for (const auto& tracker : both(options)) {
      tracker->update(box_at(10, 10, 0.9f, 0));
      tracker->update(box_at(10, 10, 0.9f, 0));
      CHECK(tracker->update(box_at(10, 10, 0.9f, 1)) == Ids{by_label ? -1 : 1});
    }
  }
}

TEST_CASE("OC-SORT prefers the detection in the direction of the motion") {
  OcSort tracker;
  float x = 0;
  for (; x < 100; x += 10) tracker.update(box_at(x, 10));
  // Both overlap where it is expected by 0.74: one to the side, one ahead.
  CHECK(tracker.update(together(box_at(x, 22), box_at(x + 6, 10))) == Ids{-1, 1});
}

TEST_CASE("OC-SORT finds a track where it was seen last") {
  OcSort tracker;
  for (int frame = 0; frame < 10; ++frame) {
    tracker.update(box_at(static_cast<float>(20 * frame), 10));
  }
  for (int frame = 0; frame < 5; ++frame) tracker.update(Detections{});
  CHECK(tracker.update(box_at(180, 10)) == Ids{1});  // it has stopped; expected at 300
  CHECK(tracker.update(box_at(180, 10)) == Ids{1});  // and its filter knows
}

TEST_CASE("boxes that are none, and scores that are none, are no track's") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const float huge = std::numeric_limits<float>::max();
  for (const auto& tracker : both()) {
    const Detections odd{{nan, 0,  10, 10, 0, 0, inf, 10, 50,    50,    40,   90,
                          20,  20, 20, 30, 0, 0, 10,  10, -huge, -huge, huge, huge},
                         {0.9f, 0.9f, 0.9f, 0.9f, nan, 0.9f},
                         {0, 0, 0, 0, 0, 0}};
    tracker->update(odd);
    const Ids ids = tracker->update(odd);
    CHECK(Ids(ids.begin(), ids.end() - 1) == Ids{-1, -1, -1, -1, -1});
    CHECK(tracker->update(odd).size() == 6);
  }
}

TEST_CASE("times that go back or are none are refused, and change nothing") {
  for (const auto& tracker : both()) {
    tracker->update(box_at(10, 10), 2.0);
    for (const double time_s : {1.5, std::nan(""), HUGE_VAL}) {
      const std::string message = testing::refusal(
          ErrorCode::invalid_input, [&] { tracker->update(box_at(10, 10), time_s); });
      CHECK(message.find("time_s: expected a time of 2 or later") == 0);
    }
    CHECK(tracker->update(box_at(10, 10), 2.1) == Ids{1});
  }
}

TEST_CASE("options outside their ranges are named") {
  const auto message = [](auto change) {
    TrackerOptions options;
    change(options);
    return testing::refusal(ErrorCode::invalid_input, [&] { ByteTrack tracker(options); });
  };
  CHECK(message([](auto& o) { o.thresholds = {}; }) ==
        "thresholds: expected one or more scores, got none");
  CHECK(message([](auto& o) { o.thresholds = {0.5f, 2}; }) ==
        "thresholds: expected a number from 0 to 1, got 2");
  CHECK(message([](auto& o) { o.low_threshold = -1; }) ==
        "low_threshold: expected a number from 0 to 1, got -1");
  CHECK(message([](auto& o) { o.min_iou = std::nan(""); }) ==
        "min_iou: expected a number from 0 to 1, got nan");
  CHECK(message([](auto& o) { o.confirm_hits = 0; }) == "confirm_hits: expected 1 or more, got 0");
  CHECK(message([](auto& o) { o.lost_s = 1e9; }) ==
        "lost_s: expected 0 to 3600 seconds, got 1e+09");
  CHECK(message([](auto& o) { o.frame_rate = 0; }) ==
        "frame_rate: expected 0.01 to 1000 frames per second, got 0");
}
