#include "segmentation/plane_blend.hpp"

#define EDGECV_KERNELS_UP_TO_AVX2
#define EDGECV_KERNELS "segmentation/plane_blend_kernels.hpp"
#include "simd/each_level.hpp"

namespace edgecv {

bool blend_planes(const PlaneRow& row, PlaneWork work, std::int32_t* index) {
  return EDGECV_BEST_LEVEL(blend_row)(row, work, index);
}

}  // namespace edgecv
