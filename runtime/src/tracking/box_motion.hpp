// Where a box goes: the filters of ByteTrack and of SORT.
#pragma once

#include "tracking/kalman.hpp"
#include "tracking/overlap.hpp"

namespace edgecv {

/// ByteTrack's (DeepSORT's, arXiv 1703.07402): centre, width / height and height, each with a
/// speed; the noise grows with the height of the box.
class CenterHeightMotion {
 public:
  explicit CenterHeightMotion(const TrackBox& box);
  void predict(double frames);
  void update(const TrackBox& box);
  TrackBox box() const;

 private:
  KalmanAxis x_, y_, ratio_, height_;
};

/// SORT's and OC-SORT's: centre and area, each with a speed, and width / height, which has none.
class CenterAreaMotion {
 public:
  explicit CenterAreaMotion(const TrackBox& box);
  void predict(double frames);
  void update(const TrackBox& box);
  TrackBox box() const;

 private:
  KalmanAxis x_, y_, area_, ratio_;
};

}  // namespace edgecv
