// The error for outputs that no result can be made from.
#pragma once

#include <string>

#include "edgecv/error.hpp"

namespace edgecv {

[[noreturn]] inline void not_finite(const std::string& output) {
  throw Error(ErrorCode::engine,
              "output \"" + output +
                  "\" of the network holds NaN or infinity: check the exported weights, and the "
                  "precision of the engine");
}

}  // namespace edgecv
