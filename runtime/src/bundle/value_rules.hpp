// Rules that single values of a manifest keep to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "bundle/bundle_error.hpp"

namespace edgecv {

/// No size, ratio, weight or factor of a network that works comes near these; what is made from
/// values between them is finite.
constexpr double kSmallestValue = 1e-6, kLargestValue = 1e6;

template <typename Number>
void require_positive(Number value, const std::string& path) {
  // In the value's own precision: 1e-6f lies below 1e-6.
  if (!(value >= static_cast<Number>(kSmallestValue)) ||
      !(value <= static_cast<Number>(kLargestValue))) {
    bad_value(path, "a number in 1e-6..1e6", shortest_digits(value));
  }
}

template <typename Number>
void require_fraction(Number value, const std::string& path) {
  if (!(value >= 0 && value <= 1)) bad_value(path, "a number in 0..1", shortest_digits(value));
}

template <typename Number>
void require_all_positive(const std::vector<Number>& values, const std::string& path) {
  for (std::size_t i = 0; i < values.size(); ++i) require_positive(values[i], item(path, i));
}

inline void require_at_least_one(int count, const std::string& path) {
  if (count < 1) bad_value(path, "1 or above", std::to_string(count));
}

inline void require_count(std::size_t count, std::size_t expected, const std::string& path,
                          const std::string& of_what) {
  if (count != expected) {
    bad_value(path, std::to_string(expected) + " " + of_what, std::to_string(count));
  }
}

inline void require_text(const std::string& text, const std::string& path) {
  if (text.empty()) bad_value(path, "a string that is not empty", "\"\"");
}

inline void require_sha256(const std::string& digest, const std::string& path) {
  const bool hex = std::all_of(digest.begin(), digest.end(), [](char digit) {
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
  });
  if (digest.size() != 64 || !hex) bad_value(path, "64 hex digits", quoted(digest));
}

inline void check_one_of(const std::string& text, std::initializer_list<const char*> allowed,
                         const std::string& path) {
  if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return;
  std::string names;
  for (const char* name : allowed) names += (names.empty() ? "" : ", ") + std::string(name);
  bad_value(path, "one of " + names, quoted(text));
}

/// Lengths agree where both are known.
inline bool same_length(std::int64_t a, std::int64_t b) { return a < 0 || b < 0 || a == b; }

}  // namespace edgecv
