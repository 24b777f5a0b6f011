// Names in UTF-8 as paths, and back, in every C++: from C++20 on std::filesystem wants char8_t.
#pragma once

#include <filesystem>
#include <string>

namespace edgecv {

inline std::filesystem::path utf8_path(const std::string& name) {
#if defined(__cpp_char8_t)
  return std::filesystem::path(std::u8string(name.begin(), name.end()));
#else
  return std::filesystem::u8path(name);
#endif
}

inline std::string utf8_name(const std::filesystem::path& path) {
  const auto name = path.u8string();
  return std::string(name.begin(), name.end());
}

}  // namespace edgecv
