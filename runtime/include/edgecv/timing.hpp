// How long the steps of a model of one graph take.
#pragma once

namespace edgecv {

/// Wall time of a call, summed over its pictures, in milliseconds.
struct Timing {
  double preprocess_ms = 0;
  double network_ms = 0;
  double postprocess_ms = 0;
};

}  // namespace edgecv
