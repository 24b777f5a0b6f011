// What the library and its engines have to say. They print nothing.
//
//   edgecv::set_log([](edgecv::LogLevel level, const std::string& line) {
//     if (level != edgecv::LogLevel::info) std::fprintf(stderr, "edgecv: %s\n", line.c_str());
//   });
//   edgecv::log(edgecv::LogLevel::warning, "no camera");  // for engines: to whom it was set
//   edgecv::set_log(nullptr);
#pragma once

#include <functional>
#include <string>

#include "edgecv/export.hpp"

namespace edgecv {

enum class LogLevel { info, warning, error };

/// Takes each line, from any thread, several at the same time; null: nobody. What it throws is
/// dropped. A line that is on its way when this returns may still come to the callback of before.
EDGECV_API void set_log(std::function<void(LogLevel level, const std::string& line)> callback);

EDGECV_API void log(LogLevel level, const std::string& line) noexcept;

}  // namespace edgecv
