// ByteTrack: detections with low scores continue tracks, and begin none.
//
//   edgecv::TrackerOptions options;
//   options.thresholds = {0.6f};
//   edgecv::ByteTrack tracker(options);
//   const edgecv::Detections found{{10, 10, 50, 80}, {0.9f}, {2}};
//   const std::vector<std::int64_t> ids = tracker.update(found, 0.04);
#pragma once

#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/tracking/tracker.hpp"

namespace edgecv {

/// Zhang et al., ByteTrack: Multi-Object Tracking by Associating Every Detection Box,
/// arXiv 2110.06864. A Kalman filter says where each track is expected. Sure detections are matched
/// with all tracks by overlap and score; the others, down to low_threshold, with the tracks that
/// are left, since an object that is partly hidden scores low. What is left of the sure ones begins
/// new tracks. A new track that is not seen again at once is dropped.
class EDGECV_API ByteTrack : public Tracker {
 public:
  explicit ByteTrack(TrackerOptions options = {});
  ~ByteTrack() override;

 protected:
  void step(const std::vector<Seen>& sure, const std::vector<Seen>& unsure, double frames,
            double time_s, std::vector<std::int64_t>& ids) override;
  void forget() override;

 private:
  struct Track;
  std::vector<Track> tracks_;
};

}  // namespace edgecv
