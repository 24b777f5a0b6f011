#include "edgecv/zones/zone_counter.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "arrays.hpp"
#include "enums.hpp"

namespace edgecv::bindings {
namespace {

using Pairs = std::vector<std::pair<double, double>>;
using Numbers = std::vector<std::int64_t>;

std::vector<Point> to_points(const Pairs& pairs) {
  std::vector<Point> points;
  for (const auto& [x, y] : pairs) points.push_back({x, y});
  return points;
}

Pairs to_pairs(const std::vector<Point>& points) {
  Pairs pairs;
  for (const Point& point : points) pairs.emplace_back(point.x, point.y);
  return pairs;
}

}  // namespace

void bind_zone_counter(nb::module_& m) {
  nb::class_<Zone>(m, "Zone").def(
      "__init__",
      [](Zone* self, std::string name, const Pairs& polygon, Numbers labels,
         const std::string& anchor) {
        new (self) Zone{std::move(name), to_points(polygon), std::move(labels),
                        parse<BoxAnchor>(anchor, "anchor")};
      },
      nb::arg("name"), nb::arg("polygon"), nb::arg("labels"), nb::arg("anchor"));
  nb::class_<Line>(m, "Line").def(
      "__init__",
      [](Line* self, std::string name, std::pair<double, double> start,
         std::pair<double, double> end, Numbers labels, const std::string& anchor) {
        new (self) Line{std::move(name),
                        {start.first, start.second},
                        {end.first, end.second},
                        std::move(labels),
                        parse<BoxAnchor>(anchor, "anchor")};
      },
      nb::arg("name"), nb::arg("start"), nb::arg("end"), nb::arg("labels"), nb::arg("anchor"));
  nb::class_<ZoneCounter>(m, "ZoneCounter")
      .def(
          "__init__",
          [](ZoneCounter* self, std::vector<Zone> zones, std::vector<Line> lines, double margin,
             double forget_s, std::optional<std::pair<int, int>> image_size) {
            ZoneOptions options{margin, forget_s, std::nullopt};
            if (image_size) options.image = Size{image_size->first, image_size->second};
            new (self) ZoneCounter(std::move(zones), std::move(lines), options);
          },
          nb::arg("zones"), nb::arg("lines"), nb::arg("margin"), nb::arg("forget_s"),
          nb::arg("image_size").none())
      .def(
          "update",
          [](ZoneCounter& self, const Boxes& boxes, const Labels& track_ids, const Labels& labels,
             std::pair<int, int> image_size, double time_s) {
            nb::list events;
            for (const ZoneEvent& each :
                 self.update(boxes.data(), track_ids.data(), labels.data(), boxes.shape(0),
                             {image_size.first, image_size.second}, time_s)) {
              events.append(nb::make_tuple(name_of(each.kind), each.place, each.track_id,
                                           each.label, each.time_s, each.seconds));
            }
            return events;
          },
          nb::arg("boxes"), nb::arg("track_ids"), nb::arg("labels"), nb::arg("image_size"),
          nb::arg("time_s"),
          "For each event (kind, index of the zone or line, track, label, time_s, seconds).")
      .def(
          "zone_counts",
          [](const ZoneCounter& self, std::size_t zone) {
            nb::dict counts;
            for (const auto& [label, each] : self.zone_counts(zone)) {
              counts[nb::int_(label)] = nb::make_tuple(each.occupancy(), each.entries, each.exits,
                                                       each.appeared, each.vanished, each.seconds);
            }
            return counts;
          },
          nb::arg("zone"), "By label (occupancy, entries, exits, appeared, vanished, seconds).")
      .def(
          "line_counts",
          [](const ZoneCounter& self, std::size_t line) {
            nb::dict counts;
            for (const auto& [label, each] : self.line_counts(line)) {
              counts[nb::int_(label)] = nb::make_tuple(each.in, each.out);
            }
            return counts;
          },
          nb::arg("line"), "By label (in, out).")
      .def(
          "visits",
          [](const ZoneCounter& self, std::size_t zone) {
            nb::list visits;
            for (const Visit& each : self.visits(zone)) {
              visits.append(nb::make_tuple(each.track_id, each.label, each.seconds));
            }
            return visits;
          },
          nb::arg("zone"), "Of each track inside (id, label, seconds).")
      .def("zone_points", [](const ZoneCounter& self,
                             std::size_t zone) { return to_pairs(self.zone_points(zone)); })
      .def("line_points", [](const ZoneCounter& self,
                             std::size_t line) { return to_pairs(self.line_points(line)); })
      .def("reset", &ZoneCounter::reset);
}

}  // namespace edgecv::bindings
