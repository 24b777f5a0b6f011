// On which side of a border something is, where small movements across it do not count.
//
//   Side side(-30);  // distance from the border, below 0 on the one side, above 0 on the other
//   side.crosses(2, 10);    // true
//   side.crosses(-3, 10);   // false: still nearer than 10 since it crossed
//   side.crosses(-12, 10);  // true
#pragma once

namespace edgecv {

class Side {
 public:
  explicit Side(double distance) : positive_(distance > 0) {}

  bool positive() const { return positive_; }

  /// Whether it has gone to the other side. Where it was further away than `margin` since it came,
  /// the border counts; else that distance behind it.
  bool crosses(double distance, double margin) {
    const double inwards = positive_ ? distance : -distance;  // from the border, on its own side
    settled_ = settled_ || inwards > margin;
    if (inwards >= 0 || (!settled_ && -inwards <= margin)) return false;
    positive_ = !positive_;
    settled_ = -inwards > margin;
    return true;
  }

 private:
  bool positive_;
  bool settled_ = true;
};

}  // namespace edgecv
