// Detections as the trackers take them, and the ways to match them with tracks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "edgecv/tracking/assignment.hpp"
#include "edgecv/tracking/tracker.hpp"
#include "tracking/overlap.hpp"

namespace edgecv {

struct Tracker::Seen {
  TrackBox box;
  double score;
  std::int64_t label;
  std::size_t index;  // among those that were given
};

/// Matches some tracks with some detections so that the sum of their gains is highest, and takes
/// the matched ones out of both lists. gain(track, seen) is above 0 where the two may be one
/// object.
template <typename Track, typename Seen, typename Gain>
std::vector<std::pair<Track*, const Seen*>> match(std::vector<Track*>& tracks,
                                                  std::vector<const Seen*>& seen, Gain gain) {
  std::vector<double> gains;
  gains.reserve(tracks.size() * seen.size());
  for (const Track* track : tracks) {
    for (const Seen* each : seen) gains.push_back(gain(*track, *each));
  }
  const std::vector<std::int64_t> chosen = best_pairs(gains.data(), tracks.size(), seen.size());
  std::vector<std::pair<Track*, const Seen*>> pairs;
  std::vector<Track*> tracks_left;
  std::vector<bool> taken(seen.size());
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    if (chosen[i] < 0) {
      tracks_left.push_back(tracks[i]);
      continue;
    }
    pairs.emplace_back(tracks[i], seen[chosen[i]]);
    taken[chosen[i]] = true;
  }
  std::vector<const Seen*> seen_left;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!taken[i]) seen_left.push_back(seen[i]);
  }
  tracks = std::move(tracks_left);
  seen = std::move(seen_left);
  return pairs;
}

template <typename Item>
std::vector<const Item*> pointers(const std::vector<Item>& items) {
  std::vector<const Item*> result;
  result.reserve(items.size());
  for (const Item& each : items) result.push_back(&each);
  return result;
}

}  // namespace edgecv
