#include "image/tensor_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "image/half.hpp"
#include "image/nearest_level.hpp"
#include "simd/clones.hpp"

namespace edgecv {
namespace {

struct ToFloat32 {
  using Type = float;
  EDGECV_INLINE float operator()(float value) const { return value; }
};

struct ToFloat16 {
  using Type = std::uint16_t;
  EDGECV_INLINE std::uint16_t operator()(float value) const { return half_bits(value); }
};

struct ToUint8 {
  using Type = std::uint8_t;
  EDGECV_INLINE std::uint8_t operator()(float value) const { return nearest_level(value); }
};

struct Destination {
  std::uint8_t* first;         // of the row in channel 0
  std::size_t channel_stride;  // elements
  Layout layout;
};

template <typename To>
EDGECV_INLINE void convert_row(const float* row, int channels, int width, const Destination& to) {
  using T = typename To::Type;
  T* const out = reinterpret_cast<T*>(to.first);
  if (to.layout == Layout::nchw) {
    for (int c = 0; c < channels; ++c) {
      const float* const in = row + static_cast<std::ptrdiff_t>(c) * width;
      T* const plane = out + static_cast<std::size_t>(c) * to.channel_stride;
      for (int x = 0; x < width; ++x) plane[x] = To{}(in[x]);
    }
  } else if (channels == 1) {
    for (int x = 0; x < width; ++x) out[x] = To{}(row[x]);
  } else {
    const float *const c0 = row, *const c1 = row + width, *const c2 = c1 + width;
    for (int x = 0; x < width; ++x) {
      out[3 * x] = To{}(c0[x]);
      out[3 * x + 1] = To{}(c1[x]);
      out[3 * x + 2] = To{}(c2[x]);
    }
  }
}

EDGECV_INLINE void convert_any_once(const float* row, int channels, int width, DType dtype,
                                    const Destination& to) {
  if (dtype == DType::float16) {
    convert_row<ToFloat16>(row, channels, width, to);
  } else if (dtype == DType::uint8) {
    convert_row<ToUint8>(row, channels, width, to);
  } else {
    convert_row<ToFloat32>(row, channels, width, to);
  }
}
constexpr auto convert_any = clones<convert_any_once>;

}  // namespace

TensorRows::TensorRows(const InputSpec& spec, Size tensor, int begin, int end, void* output)
    : channels_(spec.channels()),
      dtype_(spec.dtype),
      layout_(spec.layout),
      tensor_(tensor),
      begin_(begin),
      end_(end),
      pad_value_(static_cast<float>(spec.pad_value)),
      output_(output),
      direct_(spec.dtype == DType::float32 &&
              (spec.layout == Layout::nchw || spec.channels() == 1)) {
  if (!direct_) {
    scratch_.assign(static_cast<std::size_t>(channels_) * static_cast<std::size_t>(tensor.width),
                    pad_value_);
  }
}

float* TensorRows::channel_row(int channel, int y) {
  const auto width = static_cast<std::size_t>(tensor_.width);
  if (!direct_) return scratch_.data() + static_cast<std::size_t>(channel) * width;
  const std::size_t row =
      static_cast<std::size_t>(channel) * static_cast<std::size_t>(tensor_.height) +
      static_cast<std::size_t>(y);
  return static_cast<float*>(output_) + row * width;
}

ChannelRows TensorRows::begin(int y) {
  ChannelRows rows{};
  for (int c = 0; c < channels_; ++c) {
    rows[static_cast<std::size_t>(c)] = channel_row(c, y) + begin_;
  }
  return rows;
}

void TensorRows::end(int y) {
  if (!direct_) return convert(y);
  for (int c = 0; c < channels_; ++c) {
    float* const row = channel_row(c, y);
    std::fill(row, row + begin_, pad_value_);
    std::fill(row + end_, row + tensor_.width, pad_value_);
  }
}

void TensorRows::pad(int y) {
  for (int c = 0; c < channels_; ++c) {
    float* const row = channel_row(c, y);
    std::fill(row, row + tensor_.width, pad_value_);
  }
  if (!direct_) convert(y);
}

void TensorRows::convert(int y) {
  const std::size_t row_elements =
      static_cast<std::size_t>(tensor_.width) *
      static_cast<std::size_t>(layout_ == Layout::nhwc ? channels_ : 1);
  Destination to{};
  to.first = static_cast<std::uint8_t*>(output_) +
             static_cast<std::size_t>(y) * row_elements * element_size(dtype_);
  to.channel_stride = static_cast<std::size_t>(tensor_.height) * row_elements;
  to.layout = layout_;
  convert_any(scratch_.data(), channels_, tensor_.width, dtype_, to);
}

}  // namespace edgecv
