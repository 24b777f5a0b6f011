#include "edgecv/segmentation/segment.hpp"

#include <string>

#include "bundle/bundle_error.hpp"
#include "edgecv/error.hpp"
#include "segmentation/segment_rules.hpp"

namespace edgecv {
namespace {

constexpr int max_batch = 4096;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_input, message);
}

void check_side(int side) {
  if (side < 1 || side > max_side) {
    refuse("postprocess.windows.size: expected sides of 1 to " + std::to_string(max_side) +
           ", got " + std::to_string(side));
  }
}

}  // namespace

void check(const CropWindows& windows) {
  check_side(windows.size.height);
  check_side(windows.size.width);
  if (!(windows.overlap >= 0 && windows.overlap < 1)) {
    refuse("postprocess.windows.overlap: expected a number from 0 to below 1, got " +
           shortest_digits(windows.overlap));
  }
  if (windows.batch < 1 || windows.batch > max_batch) {
    refuse("postprocess.windows.batch: expected 1 to " + std::to_string(max_batch) + ", got " +
           std::to_string(windows.batch));
  }
}

void check_segment_input(const InputSpec& input, const std::optional<CropWindows>& windows) {
  if (input.crop) {
    refuse("input.crop: expected null, since segment gives every pixel of the image a class");
  }
  if (!windows) return;
  check(*windows);
  if (input.resize != Resize::none) {
    refuse("input.resize: expected none, since windows are cut from the image as it is");
  }
  const int multiple = input.pad_multiple;
  if (windows->size.height % multiple != 0 || windows->size.width % multiple != 0) {
    refuse("postprocess.windows.size: expected multiples of input.pad_multiple, " +
           std::to_string(multiple) + ", got [" + std::to_string(windows->size.height) + ", " +
           std::to_string(windows->size.width) + "]");
  }
}

}  // namespace edgecv
