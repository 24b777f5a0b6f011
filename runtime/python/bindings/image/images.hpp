// NumPy pictures as image views.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv::bindings {

/// [H, W, channels] or [H, W], uint8; pixels of a row must lie together, rows may be apart.
using Picture = nb::ndarray<const std::uint8_t, nb::device::cpu>;

/// `format` is the name of a PixelFormat.
Image to_image(const Picture& picture, const std::string& format);

/// One format for each picture.
std::vector<Image> to_images(const std::vector<Picture>& pictures,
                             const std::vector<std::string>& formats);

}  // namespace edgecv::bindings
