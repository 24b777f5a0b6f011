// A score's threshold as a limit for logits, which costs no exponential.
//
//   const float best_logit = 1, background_logit = 4;
//   const bool may_pass = best_logit - background_logit > logit_margin(0.5f);  // false
#pragma once

#include <cmath>
#include <limits>

namespace edgecv {

/// sigmoid(x) > t is x > log(t / (1 - t)), and softmax(c) > t implies that c lies by more than that
/// above each other logit. A little slack keeps rounding from deciding: what does not exceed the
/// margin has no score above the threshold, what does may have one.
inline float logit_margin(float threshold) {
  if (threshold <= 0) return -std::numeric_limits<float>::infinity();
  if (threshold >= 1) return std::numeric_limits<float>::infinity();
  const float logit = std::log(threshold / (1 - threshold));
  return logit - 1e-3f * (1 + std::abs(logit));
}

}  // namespace edgecv
