#include "edgecv/tracking/oc_sort.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "tracking/box_motion.hpp"
#include "tracking/seen.hpp"

namespace edgecv {
namespace {

constexpr int kDirectionSteps = 3;        // updates over which a direction is measured
constexpr double kDirectionWeight = 0.2;  // of the direction, beside the overlap
constexpr double kMostVirtualSteps = 1000;
constexpr double kHalfTurn = 3.14159265358979323846;

struct Direction {
  double x = 0, y = 0;
};

/// From the centre of one box to that of another, of length 1; (0, 0) where they are one.
Direction direction(const TrackBox& from, const TrackBox& to) {
  const double x = (to[0] + to[2] - from[0] - from[2]) / 2;
  const double y = (to[1] + to[3] - from[1] - from[3]) / 2;
  const double length = std::hypot(x, y) + 1e-6;
  return {x / length, y / length};
}

/// 0.5 for the same direction, 0 for a right angle, -0.5 for the opposite one.
double agreement(Direction a, Direction b) {
  const double cosine = std::clamp(a.x * b.x + a.y * b.y, -1.0, 1.0);
  return 0.5 - std::acos(cosine) / kHalfTurn;
}

TrackBox between(const TrackBox& a, const TrackBox& b, double part) {
  TrackBox box;
  for (std::size_t i = 0; i < 4; ++i) box[i] = a[i] + part * (b[i] - a[i]);
  return box;
}

}  // namespace

struct OcSort::Track {
  CenterAreaMotion motion;
  CenterAreaMotion when_seen;  // the filter as it was when the track was seen last
  std::int64_t label;
  double seen_s;
  TrackBox expected = {};
  std::int64_t id = -1;
  int hits = 0;            // updates running in which it was seen
  int missed = 0;          // updates since then
  double frames_away = 0;  // frames since then
  Direction way;
  int age = 0;  // updates
  /// What was seen, by age modulo their number.
  struct Sight {
    int age;
    TrackBox box;
  };
  std::array<Sight, kDirectionSteps + 1> sights;
  TrackBox last;

  Track(const Seen& seen, double time_s)
      : motion(seen.box), when_seen(motion), label(seen.label), seen_s(time_s), last(seen.box) {
    sights.fill({-1, {}});
    sights[0] = {0, seen.box};
  }

  /// The oldest of the last few updates in which it was seen, else the last one at all.
  const TrackBox& earlier() const {
    for (int then = std::max(0, age - kDirectionSteps); then < age; ++then) {
      const Sight& sight = sights[then % sights.size()];
      if (sight.age == then) return sight.box;
    }
    return last;
  }

  void predict(double frames) {
    motion.predict(frames);
    expected = motion.box();
    frames_away += frames;
    ++missed;
    ++age;
  }

  void update(const TrackBox& box) {
    way = direction(earlier(), box);
    if (missed > 1) {
      // What was expected meanwhile has drifted: the filter goes again, along the straight way.
      const double steps = std::clamp(std::round(frames_away), 1.0, kMostVirtualSteps);
      motion = when_seen;
      for (int step = 1; step <= steps; ++step) {
        motion.predict(frames_away / steps);
        motion.update(between(last, box, step / steps));
      }
    } else {
      motion.update(box);
    }
    when_seen = motion;
    last = box;
    sights[age % sights.size()] = {age, box};
    frames_away = 0;
  }
};

OcSort::OcSort(TrackerOptions options) : Tracker(std::move(options)) {}
OcSort::~OcSort() = default;
void OcSort::forget() { tracks_.clear(); }

void OcSort::step(const std::vector<Seen>& sure, const std::vector<Seen>&, double frames,
                  double time_s, std::vector<std::int64_t>& ids) {
  const TrackerOptions& wanted = options();
  tracks_.erase(std::remove_if(tracks_.begin(), tracks_.end(),
                               [&](const Track& track) {
                                 return track.missed > 0 && time_s - track.seen_s > wanted.lost_s;
                               }),
                tracks_.end());
  std::vector<Track*> left;
  for (Track& track : tracks_) {
    track.predict(frames);
    left.push_back(&track);
  }
  const auto count_hit = [&](Track& track, const Seen& seen) {
    track.hits = track.missed <= 1 ? track.hits + 1 : 1;
    track.missed = 0;
    track.label = seen.label;
    track.seen_s = time_s;
    if (track.id < 0 && track.hits >= wanted.confirm_hits) track.id = new_id();
    ids[seen.index] = track.id;
  };
  std::vector<const Seen*> sure_left = pointers(sure);
  const auto continue_tracks = [&](auto gain) {
    const auto allowed = [&](const Track& track, const Seen& each) {
      return wanted.by_label && track.label != each.label ? 0.0 : gain(track, each);
    };
    for (const auto& [track, each] : match(left, sure_left, allowed)) {
      track->update(each->box);
      count_hit(*track, *each);
    }
  };
  continue_tracks([&](const Track& track, const Seen& each) {
    const double iou = overlap(track.expected, each.box);
    if (iou <= wanted.min_iou) return 0.0;
    const double agrees = agreement(track.way, direction(track.earlier(), each.box));
    return iou + kDirectionWeight * each.score * agrees;
  });
  continue_tracks([&](const Track& track, const Seen& each) {
    return overlap(track.last, each.box) - wanted.min_iou;
  });
  for (const Seen* each : sure_left) {
    tracks_.emplace_back(*each, time_s);
    count_hit(tracks_.back(), *each);
  }
}

}  // namespace edgecv
