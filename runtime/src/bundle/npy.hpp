// NumPy's file format, as far as anchors need it.
#pragma once

#include <string>
#include <vector>

namespace edgecv {

/// The boxes of an .npy file (format 1 to 3): little-endian float32 [N, 4] in C order, all finite.
/// Throws Error (bad_bundle) with the file's `name` for anything else.
std::vector<float> read_npy_boxes(const std::string& path, const std::string& name);

}  // namespace edgecv
