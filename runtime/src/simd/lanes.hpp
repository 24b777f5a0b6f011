// Four floats as one vector.
#pragma once

#include <cstring>

#include "simd/clones.hpp"

namespace edgecv {

#if defined(__GNUC__)

using Lanes = float __attribute__((vector_size(16)));

#else

struct Lanes {
  float value[4];
};
EDGECV_INLINE Lanes operator*(float factor, Lanes lanes) {
  for (float& value : lanes.value) value *= factor;
  return lanes;
}
EDGECV_INLINE Lanes& operator+=(Lanes& sum, const Lanes& lanes) {
  for (int i = 0; i < 4; ++i) sum.value[i] += lanes.value[i];
  return sum;
}

#endif

EDGECV_INLINE Lanes load_lanes(const float* values) {
  Lanes lanes;
  std::memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

EDGECV_INLINE void store_lanes(float* values, Lanes lanes) {
  std::memcpy(values, &lanes, sizeof lanes);
}

}  // namespace edgecv
