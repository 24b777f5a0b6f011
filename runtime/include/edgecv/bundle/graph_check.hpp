// What an ONNX file of a bundle may hold, checked before an engine sees it.
//
//   const std::vector<char> bytes = {8, 10};
//   edgecv::check_graph(bytes.data(), bytes.size(), "main.onnx");  // Error: it has no graph
#pragma once

#include <cstddef>
#include <string>

#include "edgecv/export.hpp"

namespace edgecv {

/// Walks the file without any library of ONNX. Throws Error (bad_bundle) unless it is one graph of
/// the standard operators whose weights are all inside:
///   - no external data: an engine would open whatever path the file names;
///   - no graph within a node (If, Loop, Scan, SequenceMap) and no functions: they can run
///     for ever, or grow without limit when they are written out;
///   - no operator of another domain than ONNX's own;
///   - at most 2 GB (protobuf's limit), 100,000 nodes, and tensors that hold the values they claim;
///   - no ConstantOfShape, Expand or Tile that asks for more than 2^28 values by a constant.
/// `name` is what messages call the file.
EDGECV_API void check_graph(const void* data, std::size_t size, const std::string& name);

}  // namespace edgecv
