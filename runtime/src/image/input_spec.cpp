#include "edgecv/image/input_spec.hpp"

#include <cmath>
#include <string>

#include "bundle/bundle_error.hpp"
#include "edgecv/error.hpp"

namespace edgecv {
namespace {

constexpr float kSmallest = 1e-6f, kLargest = 1e6f;  // within them, tensors are finite

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_input, "input." + message);
}

void check_side(const char* field, int value) {
  if (value < 1 || value > max_side) {
    refuse(std::string(field) + " is " + std::to_string(value) + ", must lie between 1 and " +
           std::to_string(max_side));
  }
}

void check_sides(const char* field, Size size) {
  check_side(field, size.height);
  check_side(field, size.width);
}

void check_resize(const InputSpec& spec) {
  if (spec.resize == Resize::none) {
    if (spec.size) refuse("size must be null with resize none");
  } else {
    if (!spec.size) refuse("size is null; only resize none goes without a size [height, width]");
    check_sides("size", *spec.size);
  }
  if (spec.resize == Resize::shortest_edge && spec.size->height != spec.size->width) {
    refuse("size is [" + std::to_string(spec.size->height) + ", " +
           std::to_string(spec.size->width) +
           "]; with resize shortest_edge both must be the length of the shorter side");
  }
  if (spec.max_size) {
    if (spec.resize != Resize::shortest_edge) {
      refuse("max_size is for resize shortest_edge only; set it to null");
    }
    check_side("max_size", *spec.max_size);
  }
}

}  // namespace

void check(const InputSpec& spec) {
  check_resize(spec);
  if (spec.crop) check_sides("crop", *spec.crop);
  if (spec.antialias && spec.interpolation == Interpolation::nearest) {
    refuse("antialias needs interpolation bilinear or bicubic");
  }
  if (!(std::abs(spec.scale) >= kSmallest && std::abs(spec.scale) <= kLargest)) {
    refuse("scale is " + shortest_digits(spec.scale) + ", must be 1e-6..1e6, or -1e6..-1e-6");
  }
  for (int c = 0; c < spec.channels(); ++c) {
    const auto i = static_cast<std::size_t>(c);
    if (!(std::abs(spec.mean[i]) <= kLargest)) {
      refuse("mean[" + std::to_string(c) + "] is " + shortest_digits(spec.mean[i]) +
             ", must lie in -1e6..1e6");
    }
    if (!(spec.std[i] >= kSmallest && spec.std[i] <= kLargest)) {
      refuse("std[" + std::to_string(c) + "] is " + shortest_digits(spec.std[i]) +
             ", must lie in 1e-6..1e6");
    }
  }
  if (!(std::abs(spec.pad_value) <= kLargest)) {
    refuse("pad_value is " + shortest_digits(spec.pad_value) + ", must lie in -1e6..1e6");
  }
  check_side("pad_multiple", spec.pad_multiple);
  if (spec.dtype != DType::float32 && spec.dtype != DType::float16 && spec.dtype != DType::uint8) {
    refuse("dtype must be float32, float16 or uint8");
  }
}

}  // namespace edgecv
