// A rectangle of an image as an image of its own, in place.
#pragma once

#include <cstddef>

#include "edgecv/image/image.hpp"

namespace edgecv {

/// `left` and the width must be even for NV12 and YUYV, `top` and the height for NV12.
Image part_of(const Image& image, int left, int top, Size size);

}  // namespace edgecv
