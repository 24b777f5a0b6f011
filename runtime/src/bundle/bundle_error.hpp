// How faults of a bundle are worded: one line, whatever bytes the bundle holds.
#pragma once

#include <charconv>
#include <string>

#include "edgecv/error.hpp"

namespace edgecv {

/// How many bytes of UTF-8 at `text[at]` are a control character or the end of a line, or 0.
inline std::size_t control_size(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  if (byte(at) < 0x20 || byte(at) == 0x7f) return 1;
  if (byte(at) == 0xc2 && byte(at + 1) >= 0x80 && byte(at + 1) < 0xa0) return 2;  // U+0080..009F
  const bool ends = byte(at + 2) == 0xa8 || byte(at + 2) == 0xa9;                 // U+2028, U+2029
  return byte(at) == 0xe2 && byte(at + 1) == 0x80 && ends ? 3 : 0;
}

/// `text` in quotes, control characters as '?', cut after 60 bytes.
inline std::string quoted(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  std::size_t size = text.size();
  if (size > kLongest) {
    size = kLongest;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;  // UTF-8
  }
  std::string result = "\"";
  for (std::size_t i = 0; i < size;) {
    const std::size_t control = control_size(text, i);
    result += control > 0 ? '?' : text[i];
    i += control > 0 ? control : 1;
  }
  return result + (size < text.size() ? "...\"" : "\"");
}

/// The path of a member or an item: "input.color", "labels[3]".
inline std::string member(const std::string& path, const std::string& key) {
  const std::string name = quoted(key);
  return path + (path.empty() ? "" : ".") + name.substr(1, name.size() - 2);
}
inline std::string item(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

/// The shortest digits that read back as the same float or double, whatever the locale.
template <typename Float>
std::string shortest_digits(Float number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

/// `path` is where the fault lies in bundle.json: "graphs.main[0].sha256", or "" for the whole.
[[noreturn]] inline void bad_manifest(const std::string& path, const std::string& fault) {
  throw Error(ErrorCode::bad_bundle, "bundle.json: " + (path.empty() ? "" : path + ": ") + fault);
}

[[noreturn]] inline void bad_value(const std::string& path, const std::string& expected,
                                   const std::string& got) {
  bad_manifest(path, "expected " + expected + ", got " + got);
}

}  // namespace edgecv
