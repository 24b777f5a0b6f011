// How large a graph may be.
#pragma once

#include <cstdint>
#include <string>

#include "edgecv/error.hpp"

namespace edgecv {

constexpr std::uint64_t kMaxGraphBytes = std::uint64_t{1} << 31;  // protobuf's limit, not reached

[[noreturn]] inline void refuse_graph_size(const std::string& name, std::uint64_t size) {
  throw Error(ErrorCode::bad_bundle,
              name + ": " + std::to_string(size) + " bytes, expected an ONNX file below 2 GB");
}

}  // namespace edgecv
