// NumPy images as image views.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv::bindings {

/// [H, W, channels] or [H, W], uint8; pixels of a row must lie together, rows may be apart.
using ImageArray = nb::ndarray<const std::uint8_t, nb::device::cpu>;

/// `format` is the name of a PixelFormat.
Image to_image(const ImageArray& array, const std::string& format);

/// One format for each image.
std::vector<Image> to_images(const std::vector<ImageArray>& arrays,
                             const std::vector<std::string>& formats);

}  // namespace edgecv::bindings
