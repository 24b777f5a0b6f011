// The golden bundles, as the tests read and alter them.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string golden_manifest(const std::string& bundle = "bundle_v1") {
  return read_file(EDGECV_GOLDEN "/" + bundle + "/bundle.json");
}

/// `text` with the only occurrence of `from` replaced.
inline std::string replaced(const std::string& text, const std::string& from,
                            const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
    throw std::runtime_error("the golden manifest does not hold exactly one: " + from);
  }
  return text.substr(0, at) + to + text.substr(at + from.size());
}
