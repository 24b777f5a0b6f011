// Text in messages that Python's own reader words in the same way.
#pragma once

#include <cstdint>
#include <string>

namespace edgecv {

/// "8,589,934,592"
inline std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

/// A text as repr() gives it: in quotes, control characters as escapes; 200 bytes of it at most.
std::string python_repr(const std::string& text);

}  // namespace edgecv
