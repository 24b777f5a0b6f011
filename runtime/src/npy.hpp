// NumPy's file format, as far as anchors need it.
#pragma once

#include <string>
#include <vector>

namespace edgecv {

/// The boxes of an .npy file (format 1 to 3): little-endian float32 [N, 4] in C order, all finite.
/// Throws Error (bad_bundle) naming the file for anything else.
std::vector<float> read_npy_boxes(const std::string& path);

}  // namespace edgecv
