// How long the steps of a model of one graph take.
#pragma once

namespace edgecv {

/// Wall time of a call, summed over its pictures, in milliseconds.
struct Timing {
  double preprocess_ms = 0;
  double network_ms = 0;
  double postprocess_ms = 0;

  Timing& operator+=(const Timing& other) {
    preprocess_ms += other.preprocess_ms;
    network_ms += other.network_ms;
    postprocess_ms += other.postprocess_ms;
    return *this;
  }
};

}  // namespace edgecv
