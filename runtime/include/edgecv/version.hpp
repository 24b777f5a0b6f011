// The version of the headers, as macros, and that of the library that runs.
//
//   if (std::string(edgecv::version()) != EDGECV_VERSION) {
//     std::fprintf(stderr, "built with %s, running %s\n", EDGECV_VERSION, edgecv::version());
//   }
#pragma once

#include "edgecv/export.hpp"

#define EDGECV_VERSION_MAJOR 0
#define EDGECV_VERSION_MINOR 1
#define EDGECV_VERSION_PATCH 0
#define EDGECV_VERSION "0.1.0"
/// 100 for 0.1.0, for `#if EDGECV_VERSION_NUMBER >= 200`.
#define EDGECV_VERSION_NUMBER \
  (EDGECV_VERSION_MAJOR * 10000 + EDGECV_VERSION_MINOR * 100 + EDGECV_VERSION_PATCH)

/// "0.1.0", with C linkage: a program that opens the library at run time can look it up.
extern "C" EDGECV_API const char* edgecv_version();

namespace edgecv {

inline const char* version() { return edgecv_version(); }

}  // namespace edgecv
