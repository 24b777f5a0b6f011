// OC-SORT: tracks that lean on what was seen, not on what was expected meanwhile.
//
//   edgecv::OcSort tracker;
//   const edgecv::Detections found{{10, 10, 50, 80}, {0.9f}, {2}};
//   const std::vector<std::int64_t> ids = tracker.update(found, 0.04);
#pragma once

#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/tracking/tracker.hpp"

namespace edgecv {

/// Cao et al., Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking,
/// arXiv 2203.14360, on SORT's Kalman filter (Bewley et al., arXiv 1602.00763). Sure detections
/// are matched by overlap with where a track is expected and by the direction in which it went;
/// what is left, by overlap with where a track was last seen. When a track is found again, its
/// filter is brought to where it is along the straight way between. Detections that are not sure
/// are not used.
class EDGECV_API OcSort : public Tracker {
 public:
  explicit OcSort(TrackerOptions options = {});
  ~OcSort() override;

 protected:
  void step(const std::vector<Seen>& sure, const std::vector<Seen>& unsure, double frames,
            double time_s, std::vector<std::int64_t>& ids) override;
  void forget() override;

 private:
  struct Track;
  std::vector<Track> tracks_;
};

}  // namespace edgecv
