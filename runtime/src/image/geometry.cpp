#include <algorithm>
#include <cmath>
#include <string>

#include "edgecv/error.hpp"
#include "edgecv/image/preprocess.hpp"

namespace edgecv {
namespace {

std::string text(Size size) {
  return "[" + std::to_string(size.height) + ", " + std::to_string(size.width) + "]";
}

/// A side of the resized image; a thin image keeps one pixel.
int to_side(double length, const InputSpec& spec, Size image) {
  if (length > max_side) {
    throw Error(ErrorCode::invalid_input,
                "image: an image of " + text(image) + " resized by shortest_edge to size " +
                    std::to_string(spec.size->height) + " gets a side of more than " +
                    std::to_string(max_side) + "; set max_size in the input record");
  }
  return std::max(static_cast<int>(length), 1);
}

Size shortest_edge(const InputSpec& spec, Size image) {
  const int edge = spec.size->height;
  const int shorter = std::min(image.height, image.width);
  const int longer = std::max(image.height, image.width);
  if (spec.max_size) {
    const double scale =
        std::min(static_cast<double>(edge) / shorter, static_cast<double>(*spec.max_size) / longer);
    return {to_side(std::floor(image.height * scale), spec, image),
            to_side(std::floor(image.width * scale), spec, image)};
  }
  const int other = to_side(std::floor(static_cast<double>(edge) * longer / shorter), spec, image);
  return image.width <= image.height ? Size{other, edge} : Size{edge, other};
}

/// Ties to even, as Python's round().
int round_to_int(double value) { return static_cast<int>(std::nearbyint(value)); }

Size letterbox(Size box, Size image) {
  const double scale = std::min(static_cast<double>(box.height) / image.height,
                                static_cast<double>(box.width) / image.width);
  return {std::clamp(round_to_int(image.height * scale), 1, box.height),
          std::clamp(round_to_int(image.width * scale), 1, box.width)};
}

/// Offset of the content in a centre crop, as torchvision's CenterCrop places it.
int crop_offset(int content, int crop) {
  return crop >= content ? (crop - content) / 2 : -round_to_int((content - crop) / 2.0);
}

int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

Geometry plan(const InputSpec& spec, Size image) {
  check(spec);
  if (image.height < 1 || image.width < 1 || image.height > max_side || image.width > max_side) {
    throw Error(ErrorCode::invalid_input, "image: height and width are " + text(image) +
                                              ", each must lie between 1 and " +
                                              std::to_string(max_side));
  }
  Geometry geometry;
  geometry.image = image;
  switch (spec.resize) {
    case Resize::stretch:
      geometry.resized = *spec.size;
      break;
    case Resize::letterbox:
      geometry.resized = letterbox(*spec.size, image);
      break;
    case Resize::shortest_edge:
      geometry.resized = shortest_edge(spec, image);
      break;
    case Resize::none:
      geometry.resized = image;
      break;
  }

  Size canvas = geometry.resized;
  if (spec.resize == Resize::letterbox) {
    canvas = *spec.size;
    if (spec.align == Align::center) {
      geometry.offset_y = (canvas.height - geometry.resized.height) / 2;
      geometry.offset_x = (canvas.width - geometry.resized.width) / 2;
    }
  }
  if (spec.crop) {
    geometry.offset_y += crop_offset(canvas.height, spec.crop->height);
    geometry.offset_x += crop_offset(canvas.width, spec.crop->width);
    canvas = *spec.crop;
  }
  geometry.tensor = {round_up(canvas.height, spec.pad_multiple),
                     round_up(canvas.width, spec.pad_multiple)};
  return geometry;
}

}  // namespace edgecv
