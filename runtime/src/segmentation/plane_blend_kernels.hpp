// Kernels of plane_blend.cpp, for each level of processors.
#include <cstddef>
#include <cstdint>

#include "simd/vector.hpp"

namespace edgecv::EDGECV_LEVEL {
namespace {

constexpr int lanes = 8;
using Values = Floats<lanes>;
using Indices = Vector<std::int32_t, lanes>;

// The best values and their classes stay in registers while the classes pass by.
constexpr int most_vectors = 4;
constexpr std::size_t chunk = most_vectors * lanes;
constexpr std::size_t reach = 2 * chunk;

/// Asks for a chunk that lies `distance` floats further on.
EDGECV_KERNEL_INLINE void prefetch([[maybe_unused]] const float* values,
                                   [[maybe_unused]] std::size_t distance) {
#if defined(__GNUC__)
  const auto address = reinterpret_cast<std::uintptr_t>(values) + distance * sizeof(float);
  __builtin_prefetch(reinterpret_cast<const void*>(address));
  __builtin_prefetch(reinterpret_cast<const void*>(address + chunk / 2 * sizeof(float)));
#endif
}

template <int vectors, bool weighted, bool adds, bool keeps, bool compares>
EDGECV_KERNEL_INLINE void blend_chunk(const PlaneRow& row, std::size_t at, std::int32_t* index,
                                      Values& poison) {
  Values best[vectors], total[vectors], weight[vectors];
  Indices largest[vectors];
  for (int i = 0; i < vectors; ++i) {
    best[i] = total[i] = splat<Values>(0.f);
    largest[i] = Indices{};
    if (weighted) weight[i] = load<Values>(row.weights + at + i * lanes);
  }
  const float* values = row.values + at;
  float* sums = keeps || adds ? row.sums + at : nullptr;
  for (int c = 0; c < row.classes; ++c, values += row.value_plane) {
    // Each class is another page, so the processor's own prefetching does not see what comes next.
    // Beyond the row's end lies mostly the next one, and prefetching never faults.
    prefetch(values, reach);
    if (adds) prefetch(sums, reach);
    for (int i = 0; i < vectors; ++i) {
      Values value = load<Values>(values + i * lanes);
      if (weighted) value = value * weight[i];
      if (adds) value = load<Values>(sums + i * lanes) + value;
      if (keeps) store(sums + i * lanes, value);
      if (compares) {
        if (c == 0) {
          best[i] = value;
        } else {
          keep_larger(value, splat<Indices>(c), best[i], largest[i]);
        }
        total[i] += value;
      }
    }
    if (keeps || adds) sums += row.sum_plane;
  }
  if (!compares) return;
  for (int i = 0; i < vectors; ++i) {
    store(index + at + i * lanes, largest[i]);
    poison += total[i] - total[i];  // 0, or NaN if one of the values is NaN or infinite
  }
}

template <bool weighted, bool adds, bool keeps, bool compares>
EDGECV_KERNEL_INLINE float blend_pixel(const PlaneRow& row, std::size_t at, std::int32_t* index) {
  float best = 0, total = 0;
  std::int32_t largest = 0;
  for (int c = 0; c < row.classes; ++c) {
    float value = row.values[static_cast<std::size_t>(c) * row.value_plane + at];
    if (weighted) value *= row.weights[at];
    float* const sum =
        keeps || adds ? row.sums + static_cast<std::size_t>(c) * row.sum_plane + at : nullptr;
    if (adds) value = *sum + value;
    if (keeps) *sum = value;
    if (c == 0 || value > best) {
      best = value;
      largest = c;
    }
    total += value;
  }
  if (!compares) return 0;
  index[at] = largest;
  return total - total;
}

template <bool weighted, bool adds, bool keeps, bool compares>
EDGECV_KERNEL_INLINE bool blend(const PlaneRow& row, std::int32_t* index) {
  Values poison = splat<Values>(0.f);
  std::size_t at = 0;
  for (; at + chunk <= row.count; at += chunk) {
    blend_chunk<most_vectors, weighted, adds, keeps, compares>(row, at, index, poison);
  }
  for (; at + lanes <= row.count; at += lanes) {
    blend_chunk<1, weighted, adds, keeps, compares>(row, at, index, poison);
  }
  float sum = 0;
  for (; at < row.count; ++at) sum += blend_pixel<weighted, adds, keeps, compares>(row, at, index);
  float poisons[lanes];
  store(poisons, poison);
  for (const float lane : poisons) sum += lane;
  return sum == 0;
}

template <bool weighted, bool adds>
EDGECV_KERNEL_INLINE bool blend(const PlaneRow& row, PlaneWork work, std::int32_t* index) {
  if (!work.compares) return blend<weighted, adds, true, false>(row, index);
  return work.keeps ? blend<weighted, adds, true, true>(row, index)
                    : blend<weighted, adds, false, true>(row, index);
}

EDGECV_KERNEL bool blend_row(const PlaneRow& row, PlaneWork work, std::int32_t* index) {
  if (row.weights != nullptr) {
    return work.adds ? blend<true, true>(row, work, index) : blend<true, false>(row, work, index);
  }
  return work.adds ? blend<false, true>(row, work, index) : blend<false, false>(row, work, index);
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL
