// Several numbers as one vector: Floats<8>, or Vector<std::int32_t, 8>. The compiler cuts it to the
// registers of the machine that it compiles for. A compiler without vectors gets arrays and loops,
// which give the same results.
//
//   const float values[8] = {-3, 0, 2};
//   const Floats<8> sum = load<Floats<8>>(values) + splat<Floats<8>>(1.f);
//   float result[8];
//   store(result, larger(sum, splat<Floats<8>>(0.f)));  // 0, 1, 3, 1, ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simd/clones.hpp"

// EDGECV_PLAIN_VECTORS takes the arrays whatever the compiler has, so that tests can run them.
#if defined(__GNUC__) && !defined(EDGECV_PLAIN_VECTORS)
#define EDGECV_VECTORS 1
#else
#define EDGECV_VECTORS 0
#endif

namespace edgecv {

#if EDGECV_VECTORS

template <typename Number, std::size_t count>
struct VectorOf {
  typedef Number Type __attribute__((vector_size(count * sizeof(Number))));
};
template <typename Number, std::size_t count>
using Vector = typename VectorOf<Number, count>::Type;

#else

template <typename Number, std::size_t count>
struct Vector {
  Number lane[count];
  EDGECV_INLINE Number operator[](std::size_t k) const { return lane[k]; }
};

template <typename Number, std::size_t count, typename Function>
EDGECV_INLINE Vector<Number, count> each_lane(Function function) {
  Vector<Number, count> result;
  for (std::size_t k = 0; k < count; ++k) result.lane[k] = function(k);
  return result;
}

#define EDGECV_LANE_OPERATOR(sign)                                                            \
  template <typename Number, std::size_t count>                                               \
  EDGECV_INLINE Vector<Number, count> operator sign(const Vector<Number, count>& a,           \
                                                    const Vector<Number, count>& b) {         \
    return each_lane<Number, count>([&](std::size_t k) { return a.lane[k] sign b.lane[k]; }); \
  }
EDGECV_LANE_OPERATOR(+)
EDGECV_LANE_OPERATOR(-)
EDGECV_LANE_OPERATOR(*)
EDGECV_LANE_OPERATOR(/)
#undef EDGECV_LANE_OPERATOR

template <typename Number, std::size_t count>
EDGECV_INLINE Vector<Number, count>& operator+=(Vector<Number, count>& a,
                                                const Vector<Number, count>& b) {
  return a = a + b;
}

#endif

template <std::size_t count>
using Floats = Vector<float, count>;

template <typename Value, typename Number>
EDGECV_INLINE Value load(const Number* numbers) {
  Value value;
  std::memcpy(&value, numbers, sizeof value);
  return value;
}

template <typename Number, typename Value>
EDGECV_INLINE void store(Number* numbers, const Value& value) {
  std::memcpy(numbers, &value, sizeof value);
}

/// A float in each lane. This and the next three take a single float as a vector of one.
template <typename Value>
EDGECV_INLINE Value splat(float number) {
  if constexpr (std::is_same_v<Value, float>) {
    return number;
  } else {
#if EDGECV_VECTORS
    return number - Value{};
#else
    Value value;
    for (float& lane : value.lane) lane = number;
    return value;
#endif
  }
}

template <typename Value>
EDGECV_INLINE Value larger(Value a, Value b) {
  return a > b ? a : b;
}

template <typename Value>
EDGECV_INLINE Value if_below(Value x, float limit, Value below, Value otherwise) {
  return x < limit ? below : otherwise;
}

/// 2^n, where `shifted` is n + 1.5 * 2^23: its low bits hold n.
template <typename Value>
EDGECV_INLINE Value power_of_two(Value shifted) {
  if constexpr (std::is_same_v<Value, float>) {
    const std::uint32_t bits = (load<std::uint32_t>(&shifted) + 127u) << 23;
    return load<float>(&bits);
  } else {
    using Bits = Vector<std::uint32_t, sizeof(Value) / sizeof(float)>;
    const Bits bits = (load<Bits>(&shifted) + 127u) << 23;
    return load<Value>(&bits);
  }
}

/// Where `value` is larger than `best` it takes its place, and `number` that of `index`.
template <typename Value, typename Index>
EDGECV_INLINE void keep_larger(const Value& value, std::int32_t number, Value& best, Index& index) {
#if EDGECV_VECTORS
  const auto is_larger = value > best;
  best = is_larger ? value : best;
  index = is_larger ? number - Index{} : index;
#else
  for (std::size_t k = 0; k < sizeof(Value) / sizeof(float); ++k) {
    const bool is_larger = value.lane[k] > best.lane[k];
    best.lane[k] = is_larger ? value.lane[k] : best.lane[k];
    index.lane[k] = is_larger ? number : index.lane[k];
  }
#endif
}

#if !EDGECV_VECTORS

template <std::size_t count>
EDGECV_INLINE Floats<count> larger(Floats<count> a, Floats<count> b) {
  return each_lane<float, count>([&](std::size_t k) { return larger(a.lane[k], b.lane[k]); });
}

template <std::size_t count>
EDGECV_INLINE Floats<count> if_below(Floats<count> x, float limit, Floats<count> below,
                                     Floats<count> otherwise) {
  return each_lane<float, count>(
      [&](std::size_t k) { return if_below(x.lane[k], limit, below.lane[k], otherwise.lane[k]); });
}

template <std::size_t count>
EDGECV_INLINE Floats<count> power_of_two(Floats<count> shifted) {
  return each_lane<float, count>([&](std::size_t k) { return power_of_two(shifted.lane[k]); });
}

#endif

}  // namespace edgecv
