#include "scores/finite.hpp"

#include "edgecv/error.hpp"
#include "simd/clones.hpp"

namespace edgecv {
namespace {

EDGECV_INLINE unsigned any_not_finite_once(const float* values, std::size_t count) {
  unsigned found = 0;
  for (std::size_t i = 0; i < count; ++i) found |= is_not_finite(values[i]);
  return found;
}
constexpr auto any_not_finite = clones_avx2<any_not_finite_once>;

}  // namespace

bool all_finite(const float* values, std::size_t count) {
  return any_not_finite(values, count) == 0;
}

void not_finite(const std::string& output) {
  throw Error(ErrorCode::engine,
              "output \"" + output +
                  "\" of the network holds NaN or infinity: check the exported weights, and the "
                  "precision of the engine");
}

void boxes_not_finite(const std::string& output) {
  throw Error(ErrorCode::engine,
              "output \"" + output +
                  "\" of the network gives boxes that are not finite: check the exported weights, "
                  "the anchors and the precision of the engine");
}

}  // namespace edgecv
