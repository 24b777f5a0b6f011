// Several numbers as one vector: Floats<8>, or Vector<std::int32_t, 8>. What is wider than a
// register of the level is a pair of halves, down to registers; a compiler without vectors gets
// halves down to single numbers. The results are the same. For files of kernels: see
// simd/each_level.hpp.
//
//   const float values[8] = {-3, 0, 2};
//   const Floats<8> sum = load<Floats<8>>(values) + splat<Floats<8>>(1.f);
//   float result[8];
//   store(result, larger(sum, splat<Floats<8>>(0.f)));  // 0, 1, 3, 1, ...
#ifndef EDGECV_VECTOR_HPP
#define EDGECV_VECTOR_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

// EDGECV_PLAIN_VECTORS takes single numbers whatever the compiler has, so that tests can run them.
#if defined(__GNUC__) && !defined(EDGECV_PLAIN_VECTORS)
#define EDGECV_VECTORS 1
#else
#define EDGECV_VECTORS 0
#endif

namespace edgecv::EDGECV_LEVEL {
namespace {

#if EDGECV_VECTORS
inline constexpr std::size_t register_bytes = EDGECV_REGISTER_BYTES;
#else
inline constexpr std::size_t register_bytes = 4;
#endif

template <typename Number, std::size_t count>
struct Halves;

enum class Kind { number, in_register, halves };

template <typename Number, std::size_t count>
inline constexpr Kind kind_of = count == 1                                 ? Kind::number
                                : count * sizeof(Number) <= register_bytes ? Kind::in_register
                                                                           : Kind::halves;

template <typename Number, std::size_t count, Kind kind = kind_of<Number, count>>
struct VectorOf {
  using Type = Halves<Number, count>;
};
template <typename Number, std::size_t count>
struct VectorOf<Number, count, Kind::number> {
  using Type = Number;
};
#if EDGECV_VECTORS
template <typename Number, std::size_t count>
struct VectorOf<Number, count, Kind::in_register> {
  typedef Number Type __attribute__((vector_size(count * sizeof(Number))));
};
#endif

template <typename Number, std::size_t count>
using Vector = typename VectorOf<Number, count>::Type;
template <std::size_t count>
using Floats = Vector<float, count>;

template <typename Number, std::size_t count>
struct Halves {
  using Half = Vector<Number, count / 2>;
  static constexpr std::size_t half_count = count / 2;
  Half low, high;
};

template <typename Value>
inline constexpr bool is_halves = false;
template <typename Number, std::size_t count>
inline constexpr bool is_halves<Halves<Number, count>> = true;

#define EDGECV_OPERATOR_OF_HALVES(sign)                                                      \
  template <typename Number, std::size_t count>                                              \
  EDGECV_KERNEL_INLINE Halves<Number, count> operator sign(const Halves<Number, count>& a,   \
                                                           const Halves<Number, count>& b) { \
    return {a.low sign b.low, a.high sign b.high};                                           \
  }
EDGECV_OPERATOR_OF_HALVES(+)
EDGECV_OPERATOR_OF_HALVES(-)
EDGECV_OPERATOR_OF_HALVES(*)
EDGECV_OPERATOR_OF_HALVES(/)
#undef EDGECV_OPERATOR_OF_HALVES

template <typename Number, std::size_t count>
EDGECV_KERNEL_INLINE Halves<Number, count>& operator+=(Halves<Number, count>& a,
                                                       const Halves<Number, count>& b) {
  return a = a + b;
}

template <typename Value, typename Number>
EDGECV_KERNEL_INLINE Value load(const Number* numbers) {
  if constexpr (is_halves<Value>) {
    using Half = typename Value::Half;
    return {load<Half>(numbers), load<Half>(numbers + Value::half_count)};
  } else {
    Value value;
    std::memcpy(&value, numbers, sizeof value);
    return value;
  }
}

template <typename Number, typename Value>
EDGECV_KERNEL_INLINE void store(Number* numbers, const Value& value) {
  if constexpr (is_halves<Value>) {
    store(numbers, value.low);
    store(numbers + Value::half_count, value.high);
  } else {
    std::memcpy(numbers, &value, sizeof value);
  }
}

/// The number in each lane.
template <typename Value, typename Number>
EDGECV_KERNEL_INLINE Value splat(Number number) {
  if constexpr (is_halves<Value>) {
    using Half = typename Value::Half;
    return {splat<Half>(number), splat<Half>(number)};
  } else if constexpr (std::is_same_v<Value, Number>) {
    return number;
  } else {
    return number - Value{};
  }
}

template <typename Value>
EDGECV_KERNEL_INLINE Value larger(const Value& a, const Value& b) {
  if constexpr (is_halves<Value>) {
    return {larger(a.low, b.low), larger(a.high, b.high)};
  } else {
    return a > b ? a : b;
  }
}

template <typename Value>
EDGECV_KERNEL_INLINE Value if_below(const Value& x, float limit, const Value& below,
                                    const Value& otherwise) {
  if constexpr (is_halves<Value>) {
    return {if_below(x.low, limit, below.low, otherwise.low),
            if_below(x.high, limit, below.high, otherwise.high)};
  } else {
    return x < splat<Value>(limit) ? below : otherwise;
  }
}

/// 2^n, where `shifted` is n + 1.5 * 2^23: its low bits hold n.
template <typename Value>
EDGECV_KERNEL_INLINE Value power_of_two(const Value& shifted) {
  if constexpr (is_halves<Value>) {
    return {power_of_two(shifted.low), power_of_two(shifted.high)};
  } else {
    using Bits = Vector<std::uint32_t, sizeof(Value) / sizeof(float)>;
    const Bits bits = (load<Bits>(&shifted) + 127u) << 23;
    return load<Value>(&bits);
  }
}

/// Where `value` is larger than `best` it takes its place, and `number` that of `index`.
template <typename Value, typename Index>
EDGECV_KERNEL_INLINE void keep_larger(const Value& value, const Index& number, Value& best,
                                      Index& index) {
  if constexpr (is_halves<Value>) {
    keep_larger(value.low, number.low, best.low, index.low);
    keep_larger(value.high, number.high, best.high, index.high);
  } else {
    const auto is_larger = value > best;
    best = is_larger ? value : best;
    index = is_larger ? number : index;
  }
}

}  // namespace
}  // namespace edgecv::EDGECV_LEVEL

#endif
