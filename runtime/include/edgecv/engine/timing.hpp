// How long the steps of a model of one graph take.
//
//   edgecv::Timing total;
//   total += edgecv::Timing{1.5, 20, 0.5};
//   std::printf("%g ms in the network\n", total.network_ms);
#pragma once

namespace edgecv {

/// Wall time of a call, summed over its images, in milliseconds.
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
