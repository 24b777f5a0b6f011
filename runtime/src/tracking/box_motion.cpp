#include "tracking/box_motion.hpp"

#include <cmath>

namespace edgecv {
namespace {

double width(const TrackBox& box) { return box[2] - box[0]; }
double height(const TrackBox& box) { return box[3] - box[1]; }
double center_x(const TrackBox& box) { return (box[0] + box[2]) / 2; }
double center_y(const TrackBox& box) { return (box[1] + box[3]) / 2; }

TrackBox around(double x, double y, double width, double height) {
  return {x - width / 2, y - height / 2, x + width / 2, y + height / 2};
}

constexpr double square(double value) { return value * value; }

// Standard deviations of ByteTrack's filter; of centre and height as parts of the height.
constexpr double kPosition = 1.0 / 20, kSpeed = 1.0 / 160;
constexpr double kRatio = 1e-2, kRatioSpeed = 1e-5, kMeasuredRatio = 1e-1;

// Variances of SORT's filter, in pixels; areas in square pixels.
constexpr double kFirst = 10, kFirstSpeed = 1e4;
constexpr double kDrift = 1, kSpeedDrift = 1e-2, kAreaSpeedDrift = 1e-4;
constexpr double kMeasuredCenter = 1, kMeasuredShape = 10;

}  // namespace

CenterHeightMotion::CenterHeightMotion(const TrackBox& box)
    : x_(center_x(box), 2 * kPosition * height(box), 10 * kSpeed * height(box)),
      y_(center_y(box), 2 * kPosition * height(box), 10 * kSpeed * height(box)),
      ratio_(width(box) / height(box), kRatio, kRatioSpeed),
      height_(height(box), 2 * kPosition * height(box), 10 * kSpeed * height(box)) {}

void CenterHeightMotion::predict(double frames) {
  const double position = square(kPosition * height_.position);
  const double speed = square(kSpeed * height_.position);
  x_.predict(frames, position, speed);
  y_.predict(frames, position, speed);
  ratio_.predict(frames, square(kRatio), square(kRatioSpeed));
  height_.predict(frames, position, speed);
}

void CenterHeightMotion::update(const TrackBox& box) {
  const double position = square(kPosition * height_.position);
  x_.update(center_x(box), position);
  y_.update(center_y(box), position);
  ratio_.update(width(box) / height(box), square(kMeasuredRatio));
  height_.update(height(box), position);
}

TrackBox CenterHeightMotion::box() const {
  return around(x_.position, y_.position, ratio_.position * height_.position, height_.position);
}

CenterAreaMotion::CenterAreaMotion(const TrackBox& box)
    : x_(center_x(box), std::sqrt(kFirst), std::sqrt(kFirstSpeed)),
      y_(center_y(box), std::sqrt(kFirst), std::sqrt(kFirstSpeed)),
      area_(width(box) * height(box), std::sqrt(kFirst), std::sqrt(kFirstSpeed)),
      ratio_(width(box) / height(box), std::sqrt(kFirst), 0) {}

void CenterAreaMotion::predict(double frames) {
  if (area_.position + frames * area_.speed <= 0) area_.speed = 0;
  x_.predict(frames, kDrift, kSpeedDrift);
  y_.predict(frames, kDrift, kSpeedDrift);
  area_.predict(frames, kDrift, kAreaSpeedDrift);
  ratio_.predict(frames, kDrift, 0);
}

void CenterAreaMotion::update(const TrackBox& box) {
  x_.update(center_x(box), kMeasuredCenter);
  y_.update(center_y(box), kMeasuredCenter);
  area_.update(width(box) * height(box), kMeasuredShape);
  ratio_.update(width(box) / height(box), kMeasuredShape);
}

TrackBox CenterAreaMotion::box() const {
  const double width = std::sqrt(area_.position * ratio_.position);
  return around(x_.position, y_.position, width, area_.position / width);
}

}  // namespace edgecv
