#include "edgecv/tracking/byte_track.hpp"

#include <algorithm>

#include "tracking/box_motion.hpp"
#include "tracking/seen.hpp"

namespace edgecv {
namespace {

constexpr double kNewIou = 0.3;  // the least overlap with a track that was seen once

}  // namespace

struct ByteTrack::Track {
  CenterHeightMotion motion;
  std::int64_t label;
  double seen_s;
  TrackBox expected = {};
  std::int64_t id = -1;
  int hits = 0;    // updates running in which it was seen
  int missed = 0;  // updates since then

  Track(const Seen& seen, double time_s) : motion(seen.box), label(seen.label), seen_s(time_s) {}
};

ByteTrack::ByteTrack(TrackerOptions options) : Tracker(std::move(options)) {}
ByteTrack::~ByteTrack() = default;
void ByteTrack::forget() { tracks_.clear(); }

void ByteTrack::step(const std::vector<Seen>& sure, const std::vector<Seen>& unsure, double frames,
                     double time_s, std::vector<std::int64_t>& ids) {
  const TrackerOptions& wanted = options();
  const auto drop = [&](auto which) {
    tracks_.erase(std::remove_if(tracks_.begin(), tracks_.end(), which), tracks_.end());
  };
  drop([&](const Track& track) {
    return track.missed > 0 && time_s - track.seen_s > wanted.lost_s;
  });
  std::vector<Track*> known, fresh;
  for (Track& track : tracks_) {
    track.motion.predict(frames);
    track.expected = track.motion.box();
    ++track.missed;
    (track.id < 0 ? fresh : known).push_back(&track);
  }

  const auto count_hit = [&](Track& track, const Seen& seen) {
    track.hits = track.missed <= 1 ? track.hits + 1 : 1;
    track.missed = 0;
    track.label = seen.label;
    track.seen_s = time_s;
    if (track.id < 0 && track.hits >= wanted.confirm_hits) track.id = new_id();
    ids[seen.index] = track.id;
  };
  const auto continue_tracks = [&](std::vector<Track*>& tracks, std::vector<const Seen*>& seen,
                                   double min_iou, bool by_score) {
    const auto gain = [&](const Track& track, const Seen& each) {
      if (wanted.by_label && track.label != each.label) return 0.0;
      return overlap(track.expected, each.box) * (by_score ? each.score : 1) - min_iou;
    };
    for (const auto& [track, each] : match(tracks, seen, gain)) {
      track->motion.update(each->box);
      count_hit(*track, *each);
    }
  };
  std::vector<const Seen*> sure_left = pointers(sure), unsure_left = pointers(unsure);
  continue_tracks(known, sure_left, wanted.min_iou, true);
  continue_tracks(known, unsure_left, wanted.min_iou, false);
  continue_tracks(fresh, sure_left, std::max(kNewIou, wanted.min_iou), true);

  drop([](const Track& track) { return track.id < 0 && track.missed > 0; });
  for (const Seen* each : sure_left) {
    tracks_.emplace_back(*each, time_s);
    count_hit(tracks_.back(), *each);
  }
}

}  // namespace edgecv
