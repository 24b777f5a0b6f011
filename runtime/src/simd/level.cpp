#include "simd/level.hpp"

namespace edgecv {
namespace {

ProcessorLevel level_of_this_processor() {
#if EDGECV_LEVELS
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2")) {
    return ProcessorLevel::base;
  }
  const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 ? ProcessorLevel::v4 : ProcessorLevel::v3;
#else
  return ProcessorLevel::base;
#endif
}

}  // namespace

ProcessorLevel processor_level = level_of_this_processor();

}  // namespace edgecv
