// Tracked objects counted in zones and at lines.
//
//   edgecv::Zone door;
//   door.name = "door";
//   door.polygon = {{100, 200}, {300, 200}, {300, 400}, {100, 400}};
//   edgecv::Line gate{"gate", {0, 300}, {640, 300}};
//   edgecv::ZoneCounter counter({door}, {gate});
//
//   edgecv::ByteTrack tracker;
//   const edgecv::Detections found{{10, 10, 50, 80}, {0.9f}, {2}};
//   const std::vector<std::int64_t> ids = tracker.update(found, 0.04);
//   for (const edgecv::ZoneEvent& event : counter.update(found, ids, {480, 640}, 0.04)) {
//     std::printf("track %d at %g s\n", static_cast<int>(event.track_id), event.time_s);
//   }
//   const std::int64_t inside = counter.zone_counts(0)[2].occupancy();  // of label 2
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edgecv/detection/detections.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

struct Point {
  double x = 0, y = 0;  // pixels
};

/// The point of a box that is looked at: the middle of its lower side (where a person stands), of
/// the box, or of its upper side.
enum class BoxAnchor { bottom, center, top };

/// A part of the image.
struct Zone {
  std::string name;
  std::vector<Point> polygon;        // 3 to 1000 corners in order; its sides do not cross
  std::vector<std::int64_t> labels;  // those that are counted; empty: all
  BoxAnchor anchor = BoxAnchor::bottom;
};

/// A line that is crossed inwards, from the left to the right of somebody who goes along it, or
/// outwards. A line from the image's left to its right is crossed inwards by what moves down.
struct Line {
  std::string name;
  Point from, to;
  std::vector<std::int64_t> labels = {};
  BoxAnchor anchor = BoxAnchor::bottom;
};

struct ZoneOptions {
  /// Whoever has crossed a border must get further from it than this, before going back across it
  /// counts: a part of the size of the box, the square root of its area; 0 or more. A box that
  /// jitters on a border is counted once.
  double margin = 0.1;
  /// Seconds after which a track that is not seen any more has left.
  double forget_s = 2;
  /// The size of the image that the points belong to; without it they are pixels of whatever image
  /// is given.
  std::optional<Size> image = std::nullopt;
};

/// Of the tracks of one label in one zone. All but `occupancy` only grow.
struct ZoneCounts {
  std::int64_t entries = 0;   // came across the border
  std::int64_t exits = 0;     // left across it
  std::int64_t appeared = 0;  // were first seen inside
  std::int64_t vanished = 0;  // were not seen any more while inside
  double seconds = 0;         // inside, of all together, up to when they were seen last

  std::int64_t occupancy() const { return entries + appeared - exits - vanished; }
};

struct LineCounts {
  std::int64_t in = 0, out = 0;
};

/// A track that is inside a zone.
struct Visit {
  std::int64_t track_id;
  std::int64_t label;  // that it had when it came in
  double since_s;
  double seconds;  // up to when it was seen last
};

/// Of zones the first four, of lines the other two.
enum class ZoneEventKind { enter, exit, appear, vanish, in, out };

struct ZoneEvent {
  ZoneEventKind kind;
  std::size_t place;  // index of the zone or line
  std::int64_t track_id;
  std::int64_t label;
  double time_s;   // of the frame; where a track vanished, of the frame that it was seen in last
  double seconds;  // exit and vanish: how long it was inside; else 0
};

/// Not for several threads at once.
class EDGECV_API ZoneCounter {
 public:
  /// Throws Error (invalid_input) that names a zone or line that cannot be right: without a name or
  /// with that of another, sides that cross, no area, no length, points that are not finite; and
  /// for options outside their ranges.
  ZoneCounter(std::vector<Zone> zones, std::vector<Line> lines, ZoneOptions options = {});
  ~ZoneCounter();
  ZoneCounter(const ZoneCounter&) = delete;
  ZoneCounter& operator=(const ZoneCounter&) = delete;

  /// Takes a frame's boxes [count, 4] xyxy in pixels, the ids of their tracks and their labels
  /// [count]. What has no id (-1) is not counted. `time_s` as in Tracker::update(). Throws Error
  /// (invalid_input) for a time that goes back, and for a zone or line outside the image.
  std::vector<ZoneEvent> update(const float* boxes, const std::int64_t* track_ids,
                                const std::int64_t* labels, std::size_t count, Size image,
                                double time_s);
  std::vector<ZoneEvent> update(const Detections& detections,
                                const std::vector<std::int64_t>& track_ids, Size image,
                                double time_s);

  /// By label.
  std::map<std::int64_t, ZoneCounts> zone_counts(std::size_t zone) const;
  std::map<std::int64_t, LineCounts> line_counts(std::size_t line) const;

  /// Who is inside a zone now, by rising id of the track.
  std::vector<Visit> visits(std::size_t zone) const;

  /// The corners of a zone, or the two ends of a line, in pixels of the latest image.
  std::vector<Point> zone_points(std::size_t zone) const;
  std::vector<Point> line_points(std::size_t line) const;

  /// Forgets all tracks and counts, before another video begins.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace edgecv
