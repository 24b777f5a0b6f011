// Where the pixels of an image lie among the cells of a network's logits, along one axis.
#pragma once

#include "image/resample.hpp"

namespace edgecv {

/// A tensor of `tensor` pixels holds an image of `image` pixels, brought to `resized`, from pixel
/// `offset` on; `cells` cover it. Gives the cells that each of the image's `image` pixels is made
/// of. Where the image is not resized these are those of interpolate(cells, size=tensor).
LinearAxis logit_axis(int cells, int tensor, int offset, int resized, int image);

/// Whether pixel i is cell i, so that nothing is interpolated.
bool is_identity(const LinearAxis& axis);

}  // namespace edgecv
