// Values that several parts of bundle.json share, read and written.
#pragma once

#include <string>
#include <vector>

#include "bundle/json_node.hpp"
#include "edgecv/boxes/boxes.hpp"
#include "edgecv/boxes/grid_anchors.hpp"

namespace edgecv {

inline float read_float(const JsonNode& node) { return node.float32(); }
inline double read_number(const JsonNode& node) { return node.number(); }
inline Size read_size(const JsonNode& node) { return node.size(); }
inline std::string read_string(const JsonNode& node) { return node.string(); }
inline std::vector<float> read_floats(const JsonNode& node) { return node.list(read_float); }

/// In lower case, whatever it was written in.
inline std::string read_sha256(const JsonNode& node) {
  std::string digest = node.string();
  for (char& digit : digest) {
    if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
  }
  return digest;
}

/// As the double with the float's shortest digits: 0.01 for 0.01f, not 0.009999999776.
inline Json number(float value) { return Json::parse(shortest_digits(value)).get<double>(); }

inline Json numbers(const std::vector<float>& values) {
  Json array = Json::array();
  for (const float value : values) array.push_back(number(value));
  return array;
}

inline Json lists(const std::vector<std::vector<float>>& values) {
  Json array = Json::array();
  for (const auto& list : values) array.push_back(numbers(list));
  return array;
}

inline Json size(Size value) { return Json::array({value.height, value.width}); }

inline Json sizes(const std::vector<Size>& values) {
  Json array = Json::array();
  for (const Size value : values) array.push_back(size(value));
  return array;
}

inline BoxCoder read_coder(const JsonNode& weights, const JsonNode& max_log_scale) {
  const std::vector<float> values = read_floats(weights);
  if (values.size() != 4) {
    bad_value(weights.path(), "4 numbers (x, y, w, h)", std::to_string(values.size()));
  }
  return {values[0], values[1], values[2], values[3], max_log_scale.float32()};
}

inline Json coder_weights(const BoxCoder& coder) {
  return numbers({coder.weight_x, coder.weight_y, coder.weight_w, coder.weight_h});
}

}  // namespace edgecv
