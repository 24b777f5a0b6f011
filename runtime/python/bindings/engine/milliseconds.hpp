// How timings show themselves in Python.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <string>
#include <utility>

namespace edgecv::bindings {

/// "Timing(preprocess_ms=0.31, network_ms=8.02)"
inline std::string repr_milliseconds(const char* type,
                                     std::initializer_list<std::pair<const char*, double>> steps) {
  std::string text;
  for (const auto& [name, value] : steps) {
    char number[64];
    std::snprintf(number, sizeof number, "%s%s=%.2f", text.empty() ? "" : ", ", name, value);
    text += number;
  }
  return std::string(type) + "(" + text + ")";
}

}  // namespace edgecv::bindings
