#include "edgecv/tracking/tracker.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "edgecv/tracking/byte_track.hpp"
#include "edgecv/tracking/oc_sort.hpp"

namespace edgecv::bindings {

void bind_tracker(nb::module_& m) {
  nb::class_<TrackerOptions>(m, "TrackerOptions")
      .def(nb::init<>())
      .def_rw("thresholds", &TrackerOptions::thresholds)
      .def_rw("low_threshold", &TrackerOptions::low_threshold)
      .def_rw("min_iou", &TrackerOptions::min_iou)
      .def_rw("confirm_hits", &TrackerOptions::confirm_hits)
      .def_rw("lost_s", &TrackerOptions::lost_s)
      .def_rw("frame_rate", &TrackerOptions::frame_rate)
      .def_rw("by_label", &TrackerOptions::by_label);
  // The lock of Python stays held: a tracker is of one thread, and a frame takes microseconds.
  nb::class_<Tracker>(m, "Tracker")
      .def(
          "update",
          [](Tracker& self, const Boxes& boxes, const Scores& scores, const Labels& labels,
             std::optional<double> time_s) {
            std::vector<std::int64_t> ids =
                self.update(boxes.data(), scores.data(), labels.data(), scores.shape(0), time_s);
            const std::size_t count = ids.size();
            return to_numpy(std::move(ids), {count});
          },
          nb::arg("boxes"), nb::arg("scores"), nb::arg("labels"), nb::arg("time_s") = nb::none(),
          "For each detection the id of its track, int64 [N].")
      .def("reset", &Tracker::reset);
  nb::class_<ByteTrack, Tracker>(m, "ByteTrack")
      .def(nb::init<TrackerOptions>(), nb::arg("options"));
  nb::class_<OcSort, Tracker>(m, "OcSort").def(nb::init<TrackerOptions>(), nb::arg("options"));
}

}  // namespace edgecv::bindings
