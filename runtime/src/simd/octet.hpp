// Eight floats as one vector, and the search for the largest of many.
#pragma once

#include <cstdint>
#include <cstring>

#include "simd/clones.hpp"

namespace edgecv {

inline constexpr int octet_lanes = 8;

#if defined(__GNUC__)

using Octet = float __attribute__((vector_size(32)));
using OctetIndex = std::int32_t __attribute__((vector_size(32)));

/// Where `value` is larger than `best` it takes its place, and `number` that of `index`.
EDGECV_INLINE void keep_larger(Octet value, std::int32_t number, Octet& best, OctetIndex& index) {
  const auto is_larger = value > best;
  best = is_larger ? value : best;
  index = is_larger ? number - OctetIndex{} : index;
}

EDGECV_INLINE Octet octet_of(float value) { return value - Octet{}; }

#else

struct Octet {
  float lane[octet_lanes];
};
struct OctetIndex {
  std::int32_t lane[octet_lanes];
};

template <typename Function>
EDGECV_INLINE Octet each_of_eight(Function function) {
  Octet result;
  for (int k = 0; k < octet_lanes; ++k) result.lane[k] = function(k);
  return result;
}
EDGECV_INLINE Octet operator+(const Octet& a, const Octet& b) {
  return each_of_eight([&](int k) { return a.lane[k] + b.lane[k]; });
}
EDGECV_INLINE Octet operator-(const Octet& a, const Octet& b) {
  return each_of_eight([&](int k) { return a.lane[k] - b.lane[k]; });
}
EDGECV_INLINE Octet& operator+=(Octet& a, const Octet& b) { return a = a + b; }
EDGECV_INLINE Octet operator*(const Octet& a, const Octet& b) {
  return each_of_eight([&](int k) { return a.lane[k] * b.lane[k]; });
}
EDGECV_INLINE void keep_larger(const Octet& value, std::int32_t number, Octet& best,
                               OctetIndex& index) {
  for (int k = 0; k < octet_lanes; ++k) {
    const bool is_larger = value.lane[k] > best.lane[k];
    best.lane[k] = is_larger ? value.lane[k] : best.lane[k];
    index.lane[k] = is_larger ? number : index.lane[k];
  }
}
EDGECV_INLINE Octet octet_of(float value) {
  return each_of_eight([&](int) { return value; });
}

#endif

EDGECV_INLINE Octet load_octet(const float* values) {
  Octet octet;
  std::memcpy(&octet, values, sizeof octet);
  return octet;
}

EDGECV_INLINE void store_octet(float* values, Octet octet) {
  std::memcpy(values, &octet, sizeof octet);
}
EDGECV_INLINE void store_octet(std::int32_t* values, OctetIndex index) {
  std::memcpy(values, &index, sizeof index);
}

}  // namespace edgecv
