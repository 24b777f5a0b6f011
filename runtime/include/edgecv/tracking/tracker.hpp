// Which detection is which object, from frame to frame.
//
//   edgecv::ByteTrack tracker;  // or OcSort
//   const edgecv::Detections found{{10, 10, 50, 80}, {0.9f}, {2}};
//   tracker.update(found, 0.00);  // {-1}: seen once, not yet sure
//   tracker.update(found, 0.04);  // {1}
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "edgecv/detection/detections.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

struct TrackerOptions {
  /// A detection is sure if its score is above this, 0..1: one number for all labels, or one for
  /// each label. Only sure detections begin tracks.
  std::vector<float> thresholds = {0.5f};
  /// ByteTrack: the others continue a track down to this score.
  float low_threshold = 0.1f;
  /// The least overlap (IoU) of a detection with the box where its track is expected, 0..1.
  double min_iou = 0.25;
  /// A track gets its id once it was seen in so many updates running.
  int confirm_hits = 2;
  /// Seconds after which a track that is not seen any more is forgotten.
  double lost_s = 1.0;
  /// Frames per second that motion is counted in, and the time between updates without times.
  double frame_rate = 30;
  /// A track keeps to detections of one label.
  bool by_label = true;
};

/// The tracks of one video or camera. Not for several threads at once.
class EDGECV_API Tracker {
 public:
  virtual ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  /// Takes the next frame's detections, whatever their order: boxes [count, 4] xyxy in pixels,
  /// scores and labels [count]. Gives for each the id of its track, from 1 on, or -1: not sure, or
  /// not seen often enough. Ids are never used again before reset().
  ///
  /// `time_s` is when the frame was taken, in seconds from any start; it may stand still and must
  /// not go back. Frames may be missing: tracks move on by the time that has passed. Without it
  /// the frame is 1 / frame_rate after the one before. Throws Error (invalid_input) for a time that
  /// goes back or is not finite, and for a label that has no threshold. Boxes without area, and
  /// boxes and scores that are not finite, are no track's.
  std::vector<std::int64_t> update(const float* boxes, const float* scores,
                                   const std::int64_t* labels, std::size_t count,
                                   std::optional<double> time_s = std::nullopt);
  std::vector<std::int64_t> update(const Detections& detections,
                                   std::optional<double> time_s = std::nullopt);

  /// Forgets everything, before another video begins.
  void reset();

  const TrackerOptions& options() const { return options_; }

 protected:
  /// A detection that can be a track's.
  struct Seen;

  /// Throws Error (invalid_input) for options outside their ranges.
  explicit Tracker(TrackerOptions options);

  /// One frame, `frames` (of options().frame_rate) after the one before, at `time_s`; writes ids.
  virtual void step(const std::vector<Seen>& sure, const std::vector<Seen>& unsure, double frames,
                    double time_s, std::vector<std::int64_t>& ids) = 0;
  virtual void forget() = 0;

  /// The id of a track that has become sure.
  std::int64_t new_id() { return ++last_id_; }

 private:
  TrackerOptions options_;
  std::optional<double> now_s_;
  std::int64_t last_id_ = 0;
};

}  // namespace edgecv
