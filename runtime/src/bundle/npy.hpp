// NumPy's file format, as far as anchors need it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bundle/manifest_rules.hpp"
#include "edgecv/bundle/bytes.hpp"

namespace edgecv {

/// The boxes of an .npy file (format 1 to 3): little-endian float32 [N, 4] in C order, all finite.
/// Throws Error (bad_bundle) with the file's `name` for anything else.
std::vector<float> read_npy_boxes(const Bytes& content, const std::string& name);

/// Bytes of the largest file that can be right.
constexpr std::size_t kMaxNpyFile = 12 + 4096 + 16 * static_cast<std::size_t>(kMaxAnchors);

}  // namespace edgecv
