#include "edgecv/engine/tensor.hpp"

#include <limits>

#include "bundle/names.hpp"
#include "edgecv/error.hpp"

namespace edgecv {

std::size_t element_size(DType dtype) {
  switch (dtype) {
    case DType::float32:
    case DType::int32:
      return 4;
    case DType::float16:
      return 2;
    case DType::uint8:
      return 1;
    case DType::int64:
      return 8;
  }
  throw Error(ErrorCode::internal, "element_size: no such dtype");
}

const char* to_string(DType dtype) { return name_of(dtype); }

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += shape[axis] < 0 ? "?" : std::to_string(shape[axis]);
  }
  return text + "]";
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t length : shape) {
    if (length < 0) {
      throw Error(
          ErrorCode::invalid_input,
          "shape " + to_string(shape) + " has an axis of unknown length, so no element count");
    }
    if (length > 0 && count > std::numeric_limits<std::int64_t>::max() / length) {
      throw Error(ErrorCode::invalid_input,
                  "shape " + to_string(shape) + " has more elements than a 64-bit count holds");
    }
    count *= length;
  }
  return count;
}

}  // namespace edgecv
