// Between two levels: see simd/each_level.hpp.
#undef EDGECV_LEVEL
#undef EDGECV_KERNEL
#undef EDGECV_KERNEL_INLINE
#undef EDGECV_REGISTER_BYTES
// What these headers define is another thing in each level.
#undef EDGECV_VECTOR_HPP
#undef EDGECV_FLOATS16_HPP
#undef EDGECV_CLASS_SCORES_HPP
