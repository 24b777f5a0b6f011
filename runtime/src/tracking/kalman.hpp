// The Kalman filter of one coordinate that moves at a steady speed.
//
//   KalmanAxis x(10, 2, 1);  // at 10, give or take 2, at rest, give or take 1 a frame
//   x.predict(1, 0.1, 0.01);
//   x.update(12, 0.5);
//
// The trackers' filters of boxes begin with independent coordinates, move each by its own speed and
// measure each by itself, so their covariances stay block diagonal: a filter of eight numbers is
// exactly four of these.
#pragma once

namespace edgecv {

struct KalmanAxis {
  double position = 0, speed = 0;  // speed per frame
  double pp = 0, ps = 0, ss = 0;   // covariance of position and speed

  KalmanAxis() = default;
  KalmanAxis(double at, double position_std, double speed_std)
      : position(at), pp(position_std * position_std), ss(speed_std * speed_std) {}

  /// Moves on by so many frames, 0 or more, each of which adds these variances. In whole frames as
  /// that many predictions of one frame.
  void predict(double frames, double position_variance, double speed_variance) {
    position += frames * speed;
    pp += 2 * frames * ps + frames * frames * ss;
    ps += frames * ss;
    // What the noise of a frame's speed adds to the position until the end.
    const double sum = frames > 1 ? frames * (frames - 1) / 2 : 0;       // 0 + 1 + 2 + ...
    const double squares = frames > 1 ? sum * (2 * frames - 1) / 3 : 0;  // 0 + 1 + 4 + ...
    pp += frames * position_variance + squares * speed_variance;
    ps += sum * speed_variance;
    ss += frames * speed_variance;
  }

  /// Takes a measurement with that variance, above 0.
  void update(double measured, double variance) {
    const double total = pp + variance;
    const double position_gain = pp / total, speed_gain = ps / total;
    const double innovation = measured - position;
    position += position_gain * innovation;
    speed += speed_gain * innovation;
    ss -= speed_gain * ps;
    ps -= position_gain * ps;
    pp -= position_gain * pp;
  }
};

}  // namespace edgecv
