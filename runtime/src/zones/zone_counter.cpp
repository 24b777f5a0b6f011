#include "edgecv/zones/zone_counter.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "bundle/bundle_error.hpp"
#include "zones/polygon.hpp"
#include "zones/side.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kMostCorners = 1000;  // each is compared with each, and with each track
constexpr double kLargest = 1e6;            // pixels
constexpr double kLeastInside = 1;          // of a zone, inside the image: half a square pixel

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::invalid_input, what); }

std::string text(Size image) {
  return std::to_string(image.height) + " x " + std::to_string(image.width) + " (height x width)";
}

void check_points(const std::vector<Point>& points, const std::string& who) {
  for (const Point& point : points) {
    if (!(std::abs(point.x) <= kLargest) || !(std::abs(point.y) <= kLargest)) {
      refuse(who + ": expected points of -1000000 to 1000000 pixels, got [" +
             shortest_digits(point.x) + ", " + shortest_digits(point.y) + "]");
    }
  }
}

/// Whether all corners lie on one line.
bool flat(const std::vector<Point>& corners) {
  const Point first = corners[0];
  const auto second = std::find_if(corners.begin(), corners.end(), [&](Point point) {
    return point.x != first.x || point.y != first.y;
  });
  return second == corners.end() || std::all_of(second, corners.end(), [&](Point point) {
           return turn(first, *second, point) == 0;
         });
}

void check_zone(const Zone& zone, const std::string& who) {
  const std::vector<Point>& corners = zone.polygon;
  if (corners.size() < 3 || corners.size() > kMostCorners) {
    refuse(who + ": expected a polygon of 3 to " + std::to_string(kMostCorners) + " corners, got " +
           std::to_string(corners.size()));
  }
  check_points(corners, who);
  const auto corner = [&](std::size_t i) {
    const Point point = corners[i % corners.size()];
    return "[" + shortest_digits(point.x) + ", " + shortest_digits(point.y) + "]";
  };
  if (flat(corners)) refuse(who + ": the polygon has no area: move its corners apart");
  if (const auto sides = crossing_sides(corners)) {
    refuse(who + ": the polygon crosses itself: the side from " + corner(sides->first) + " to " +
           corner(sides->first + 1) + " meets that from " + corner(sides->second) + " to " +
           corner(sides->second + 1) + ": list the corners in order around it");
  }
}

void check_line(const Line& line, const std::string& who) {
  check_points({line.from, line.to}, who);
  if (line.from.x == line.to.x && line.from.y == line.to.y) {
    refuse(who + ": both ends are the same point: move them apart");
  }
}

Point anchor_of(const float* box, BoxAnchor anchor) {
  const double top = box[1], bottom = box[3];
  const double y = anchor == BoxAnchor::bottom ? bottom
                   : anchor == BoxAnchor::top  ? top
                                               : (top + bottom) / 2;
  return {(static_cast<double>(box[0]) + box[2]) / 2, y};
}

bool includes(const std::vector<std::int64_t>& labels, std::int64_t label) {
  return labels.empty() || std::find(labels.begin(), labels.end(), label) != labels.end();
}

template <typename Watched>
Watched& at(std::vector<Watched>& places, std::size_t index) {
  if (index < places.size()) return places[index];
  refuse("expected the index of one of " + std::to_string(places.size()) + ", got " +
         std::to_string(index));
}

/// One track in one frame.
struct Sight {
  const float* box;
  std::int64_t track_id;
  std::int64_t label;
  double time_s;
  double margin;  // pixels
};

/// Takes those out that were not seen for longer than `forget_s`, after telling `gone`.
template <typename Track, typename Gone>
void sweep(std::unordered_map<std::int64_t, Track>& tracks, double now_s, double forget_s,
           Gone gone) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, track] : tracks) {
    if (now_s - track.seen_s > forget_s) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());  // events come in the same order everywhere
  for (const std::int64_t id : ids) {
    gone(id, tracks.at(id));
    tracks.erase(id);
  }
}

struct WatchedZone {
  struct Track {
    Side side;
    double seen_s;
    double since_s = 0;
    std::int64_t label = 0;  // while inside, that it had when it came in
    double seconds() const { return seen_s - since_s; }
  };

  Zone zone;
  std::size_t place;
  std::vector<Point> polygon = {};  // in pixels of the latest image
  std::unordered_map<std::int64_t, Track> tracks = {};
  std::map<std::int64_t, ZoneCounts> counts = {};

  void see(const Sight& sight, std::vector<ZoneEvent>& events) {
    if (!includes(zone.labels, sight.label)) return;
    const double depth = depth_in(polygon, anchor_of(sight.box, zone.anchor));
    const auto found = tracks.find(sight.track_id);
    if (found == tracks.end()) {
      Track& track = tracks.emplace(sight.track_id, Track{Side(depth), sight.time_s}).first->second;
      if (track.side.positive()) {
        begin(track, sight);
        ++counts[sight.label].appeared;
        events.push_back(event(ZoneEventKind::appear, sight.track_id, track));
      }
      return;
    }
    Track& track = found->second;
    track.seen_s = sight.time_s;
    if (!track.side.crosses(depth, sight.margin)) return;
    if (track.side.positive()) {
      begin(track, sight);
      ++counts[sight.label].entries;
      events.push_back(event(ZoneEventKind::enter, sight.track_id, track));
    } else {
      ++counts[track.label].exits;
      end(sight.track_id, track, ZoneEventKind::exit, events);
    }
  }

  void forget(double now_s, double forget_s, std::vector<ZoneEvent>& events) {
    sweep(tracks, now_s, forget_s, [&](std::int64_t id, const Track& track) {
      if (!track.side.positive()) return;
      ++counts[track.label].vanished;
      end(id, track, ZoneEventKind::vanish, events);
    });
  }

 private:
  static void begin(Track& track, const Sight& sight) {
    track.since_s = sight.time_s;
    track.label = sight.label;
  }

  void end(std::int64_t id, const Track& track, ZoneEventKind kind,
           std::vector<ZoneEvent>& events) {
    counts[track.label].seconds += track.seconds();
    events.push_back(event(kind, id, track));
    events.back().seconds = track.seconds();
  }

  ZoneEvent event(ZoneEventKind kind, std::int64_t id, const Track& track) const {
    return {kind, place, id, track.label, track.seen_s, 0};
  }
};

struct WatchedLine {
  struct Track {
    Side side;
    double seen_s;
    Point from;           // where it was seen last beside the line
    double distance;      // of that place
    bool through = true;  // it went through the line when it changed sides, not past its end
  };

  Line line;
  std::size_t place;
  Point from = {}, to = {};  // in pixels of the latest image
  std::unordered_map<std::int64_t, Track> tracks = {};
  std::map<std::int64_t, LineCounts> counts = {};

  void see(const Sight& sight, std::vector<ZoneEvent>& events) {
    if (!includes(line.labels, sight.label)) return;
    const Point point = anchor_of(sight.box, line.anchor);
    const double length = std::hypot(to.x - from.x, to.y - from.y);
    const double distance = turn(from, to, point) / length;
    const auto found = tracks.find(sight.track_id);
    if (found == tracks.end()) {
      tracks.emplace(sight.track_id, Track{Side(distance), sight.time_s, point, distance});
      return;
    }
    Track& track = found->second;
    track.seen_s = sight.time_s;
    if (distance == 0) return;
    if ((distance > 0) != (track.distance > 0)) {
      const double part = track.distance / (track.distance - distance);
      const Point met{track.from.x + part * (point.x - track.from.x),
                      track.from.y + part * (point.y - track.from.y)};
      const double along =
          ((met.x - from.x) * (to.x - from.x) + (met.y - from.y) * (to.y - from.y)) / length;
      track.through = 0 <= along && along <= length;
    }
    track.from = point;
    track.distance = distance;
    if (!track.side.crosses(distance, sight.margin) || !track.through) return;
    LineCounts& count = counts[sight.label];
    const bool in = track.side.positive();
    ++(in ? count.in : count.out);
    events.push_back({in ? ZoneEventKind::in : ZoneEventKind::out, place, sight.track_id,
                      sight.label, sight.time_s, 0});
  }

  void forget(double now_s, double forget_s) {
    sweep(tracks, now_s, forget_s, [](std::int64_t, const Track&) {});
  }
};

}  // namespace

struct ZoneCounter::State {
  std::vector<WatchedZone> zones;
  std::vector<WatchedLine> lines;
  ZoneOptions options;
  std::optional<Size> image;
  std::optional<double> now_s;

  Point scaled(Point point, Size to) const {
    if (!options.image) return point;
    return {point.x * to.width / options.image->width, point.y * to.height / options.image->height};
  }

  void fit(Size to) {
    if (to.height <= 0 || to.width <= 0) refuse("image: expected sides above 0, got " + text(to));
    if (image && *image == to) return;
    const std::string outside = ": lies outside the image of " + text(to) +
                                ": give its points in pixels, or the size that they belong to "
                                "as image_size";
    for (WatchedZone& each : zones) {
      each.polygon.clear();
      for (const Point& corner : each.zone.polygon) each.polygon.push_back(scaled(corner, to));
      if (std::abs(double_area(clipped(each.polygon, to))) < kLeastInside) {
        refuse("zone " + quoted(each.zone.name) + outside);
      }
    }
    for (WatchedLine& each : lines) {
      each.from = scaled(each.line.from, to);
      each.to = scaled(each.line.to, to);
      if (clipped({each.from, each.to}, to).empty()) {
        refuse("line " + quoted(each.line.name) + outside);
      }
    }
    image = to;
  }
};

ZoneCounter::ZoneCounter(std::vector<Zone> zones, std::vector<Line> lines, ZoneOptions options)
    : state_(std::make_unique<State>()) {
  if (!(options.margin >= 0 && options.margin <= 10)) {
    refuse("margin: expected 0 to 10, got " + shortest_digits(options.margin));
  }
  if (!(options.forget_s >= 0 && options.forget_s <= 3600)) {
    refuse("forget_s: expected 0 to 3600 seconds, got " + shortest_digits(options.forget_s));
  }
  if (options.image && (options.image->height <= 0 || options.image->width <= 0)) {
    refuse("image_size: expected sides above 0, got " + text(*options.image));
  }
  std::set<std::string> names;
  const auto name_of = [&](const std::string& name, const char* kind) {
    const std::string who = kind + (" " + quoted(name));
    if (name.empty()) refuse(who + ": expected a name");
    if (!names.insert(name).second) refuse(who + ": another zone or line has this name");
    return who;
  };
  for (Zone& zone : zones) {
    check_zone(zone, name_of(zone.name, "zone"));
    WatchedZone watched{std::move(zone), state_->zones.size()};
    watched.polygon = watched.zone.polygon;
    state_->zones.push_back(std::move(watched));
  }
  for (Line& line : lines) {
    check_line(line, name_of(line.name, "line"));
    WatchedLine watched{std::move(line), state_->lines.size()};
    watched.from = watched.line.from;
    watched.to = watched.line.to;
    state_->lines.push_back(std::move(watched));
  }
  state_->options = options;
}

ZoneCounter::~ZoneCounter() = default;

std::vector<ZoneEvent> ZoneCounter::update(const float* boxes, const std::int64_t* track_ids,
                                           const std::int64_t* labels, std::size_t count,
                                           Size image, double time_s) {
  State& state = *state_;
  const double last_s = state.now_s.value_or(time_s);
  if (!std::isfinite(time_s) || time_s < last_s) {
    refuse("time_s: expected a time of " + shortest_digits(last_s) +
           " or later, that of the frame before, got " + shortest_digits(time_s) +
           ": call reset() before another video");
  }
  state.fit(image);
  state.now_s = time_s;
  std::vector<ZoneEvent> events;
  const double forget_s = state.options.forget_s;
  for (WatchedZone& zone : state.zones) zone.forget(time_s, forget_s, events);
  for (WatchedLine& line : state.lines) line.forget(time_s, forget_s);
  for (std::size_t i = 0; i < count; ++i) {
    const float* box = boxes + 4 * i;
    const double area =
        (static_cast<double>(box[2]) - box[0]) * (static_cast<double>(box[3]) - box[1]);
    if (track_ids[i] < 0 || !(area >= 0) || !std::isfinite(area)) continue;
    const Sight sight{box, track_ids[i], labels[i], time_s, state.options.margin * std::sqrt(area)};
    for (WatchedZone& zone : state.zones) zone.see(sight, events);
    for (WatchedLine& line : state.lines) line.see(sight, events);
  }
  return events;
}

std::vector<ZoneEvent> ZoneCounter::update(const Detections& detections,
                                           const std::vector<std::int64_t>& track_ids, Size image,
                                           double time_s) {
  const std::size_t count = detections.scores.size();
  if (track_ids.size() != count) {
    refuse("track_ids: expected " + std::to_string(count) + ", one for each detection, got " +
           std::to_string(track_ids.size()));
  }
  return update(detections.boxes.data(), track_ids.data(), detections.labels.data(), count, image,
                time_s);
}

std::map<std::int64_t, ZoneCounts> ZoneCounter::zone_counts(std::size_t zone) const {
  const WatchedZone& watched = at(state_->zones, zone);
  std::map<std::int64_t, ZoneCounts> counts = watched.counts;
  for (const auto& [id, track] : watched.tracks) {
    if (track.side.positive()) counts[track.label].seconds += track.seconds();
  }
  return counts;
}

std::map<std::int64_t, LineCounts> ZoneCounter::line_counts(std::size_t line) const {
  return at(state_->lines, line).counts;
}

std::vector<Visit> ZoneCounter::visits(std::size_t zone) const {
  std::vector<Visit> visits;
  for (const auto& [id, track] : at(state_->zones, zone).tracks) {
    if (track.side.positive()) {
      visits.push_back({id, track.label, track.since_s, track.seconds()});
    }
  }
  std::sort(visits.begin(), visits.end(),
            [](const Visit& a, const Visit& b) { return a.track_id < b.track_id; });
  return visits;
}

std::vector<Point> ZoneCounter::zone_points(std::size_t zone) const {
  return at(state_->zones, zone).polygon;
}

std::vector<Point> ZoneCounter::line_points(std::size_t line) const {
  const WatchedLine& watched = at(state_->lines, line);
  return {watched.from, watched.to};
}

void ZoneCounter::reset() {
  for (WatchedZone& each : state_->zones) {
    each.tracks.clear();
    each.counts.clear();
  }
  for (WatchedLine& each : state_->lines) {
    each.tracks.clear();
    each.counts.clear();
  }
  state_->now_s.reset();
}

}  // namespace edgecv
