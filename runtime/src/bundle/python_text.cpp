#include "bundle/python_text.hpp"

#include "bundle/bundle_error.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kLongest = 200;

std::string escaped(const std::string& text, std::size_t at, std::size_t size) {
  constexpr const char* kHex = "0123456789abcdef";
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (size == 3) return byte(at + 2) == 0xa8 ? "\\u2028" : "\\u2029";
  switch (text[at]) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
  }
  const unsigned char code = byte(at + size - 1);
  return std::string("\\x") + kHex[code >> 4] + kHex[code & 15];
}

}  // namespace

std::string python_repr(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t control = control_size(text, i);
    if (control > 0) {
      result += escaped(text, i, control);
      i += control;
      continue;
    }
    if (text[i] == '\\' || text[i] == quote) result += '\\';
    result += text[i++];
  }
  result += quote;
  if (result.size() <= kLongest) return result;
  std::size_t size = kLongest - 3;
  while (size > 0 && (static_cast<unsigned char>(result[size]) & 0xc0) == 0x80) --size;  // UTF-8
  return result.substr(0, size) + "...";
}

}  // namespace edgecv
