#include "bundle/json_node.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_set>

namespace edgecv {
namespace {

constexpr std::size_t kMaxBytes = 16u << 20;
constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxKeys = 1000;     // an ordered object looks its keys up one by one
constexpr std::size_t kMaxObjects = 1000;  // at its end, the parser looks at those before it, too

/// Follows the parser to see what a finished document no longer shows (a key given twice) and to
/// stop early on a document made to exhaust memory.
class ParseGuard {
 public:
  explicit ParseGuard(const std::string& root) : root_(root) {}

  bool operator()(int, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        if (levels_.size() >= kMaxDepth) {
          bad_manifest(root_, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
        }
        if (event == Json::parse_event_t::object_start && !levels_.empty() &&
            levels_.back().is_array && levels_.back().index >= kMaxObjects) {
          bad_manifest(path(), "an object behind " + std::to_string(kMaxObjects) +
                                   " items, expected fewer in an array of objects");
        }
        levels_.push_back({event == Json::parse_event_t::array_start, {}, {}, 0});
        break;
      case Json::parse_event_t::key:
        add_key(parsed.get_ref<const std::string&>());
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        levels_.pop_back();
        [[fallthrough]];
      case Json::parse_event_t::value:
        if (!levels_.empty()) ++levels_.back().index;
        break;
    }
    return true;
  }

 private:
  struct Level {
    bool is_array;
    std::unordered_set<std::string> keys;
    std::string key;
    std::size_t index;
  };

  void add_key(const std::string& key) {
    Level& level = levels_.back();
    level.key = key;
    if (!level.keys.insert(key).second) bad_manifest(path(), "the key is there twice");
    if (level.keys.size() > kMaxKeys) {
      bad_manifest(path(), "more than " + std::to_string(kMaxKeys) + " keys in one object");
    }
  }

  std::string path() const {
    std::string result = root_;
    for (const Level& level : levels_) {
      result = level.is_array ? item(result, level.index) : member(result, level.key);
    }
    return result;
  }

  std::string root_;
  std::vector<Level> levels_;
};

std::string describe(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  if (value.is_string()) return quoted(value.get_ref<const std::string&>());
  return value.dump();
}

}  // namespace

Json parse_json(const std::string& text, const std::string& path) {
  if (text.size() > kMaxBytes) {
    bad_manifest(path, "larger than " + std::to_string(kMaxBytes >> 20) + " MB, so no manifest");
  }
  ParseGuard guard(path);
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t event, Json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const Json::parse_error& error) {
    const std::size_t before = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
    const std::string_view read(text.data(), before);
    const auto line = std::count(read.begin(), read.end(), '\n') + 1;
    const std::size_t column = before - (read.rfind('\n') + 1) + 1;  // npos + 1 is 0
    bad_manifest(path, "not JSON in UTF-8: see line " + std::to_string(line) + ", byte " +
                           std::to_string(column) + " of the line");
  } catch (const Json::out_of_range&) {
    bad_manifest(path, "a number is too large for a 64-bit float");
  }
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) bad_value(path_, "true or false", describe(*value_));
  return value_->get<bool>();
}

std::int64_t JsonNode::integer64() const {
  const bool fits = value_->is_number_integer() &&
                    !(value_->is_number_unsigned() &&
                      value_->get<std::uint64_t>() >
                          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits) bad_value(path_, "an integer", describe(*value_));
  return value_->get<std::int64_t>();
}

int JsonNode::integer() const {
  const std::int64_t value = integer64();
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    bad_value(path_, "an integer of 32 bits", describe(*value_));
  }
  return static_cast<int>(value);
}

double JsonNode::number() const {
  if (!value_->is_number()) bad_value(path_, "a number", describe(*value_));
  return value_->get<double>();
}

float JsonNode::float32() const {
  const double value = number();
  if (std::abs(value) > std::numeric_limits<float>::max()) {
    bad_value(path_, "a number that fits a 32-bit float", describe(*value_));
  }
  return static_cast<float>(value);
}

std::string JsonNode::string() const {
  if (!value_->is_string()) bad_value(path_, "a string", describe(*value_));
  return value_->get<std::string>();
}

Size JsonNode::size() const {
  if (!value_->is_array() || value_->size() != 2) {
    bad_value(path_, "[height, width]", describe(*value_));
  }
  const std::vector<JsonNode> sides = items();
  return {sides[0].integer(), sides[1].integer()};
}

std::vector<JsonNode> JsonNode::items() const {
  if (!value_->is_array()) bad_value(path_, "an array", describe(*value_));
  std::vector<JsonNode> result;
  result.reserve(value_->size());
  for (const Json& value : *value_) result.emplace_back(value, item(path_, result.size()));
  return result;
}

JsonObject JsonNode::object(std::initializer_list<const char*> keys, const char* optional) const {
  if (!value_->is_object()) bad_value(path_, "an object", describe(*value_));
  for (const auto& [key, value] : value_->items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    if (optional != nullptr && key == optional) continue;
    std::string known;
    for (const char* name : keys) known += (known.empty() ? "" : ", ") + std::string(name);
    bad_manifest(member(path_, key), "unknown key; expected one of " + known);
  }
  for (const char* key : keys) {
    if (!value_->contains(key)) bad_manifest(member(path_, key), "missing");
  }
  return JsonObject(*this);
}

std::string JsonNode::tag(const char* key) const {
  if (!value_->is_object()) bad_value(path_, "an object", describe(*value_));
  const auto found = value_->find(key);
  if (found == value_->end()) bad_manifest(member(path_, key), "missing");
  return JsonNode(*found, member(path_, key)).string();
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
  if (!value_->is_object()) bad_value(path_, "an object", describe(*value_));
  std::vector<std::pair<std::string, JsonNode>> result;
  for (const auto& [key, value] : value_->items()) {
    result.emplace_back(key, JsonNode(value, member(path_, key)));
  }
  return result;
}

JsonNode JsonObject::operator[](const char* key) const {
  return {node_.json().at(key), member(node_.path(), key)};
}

}  // namespace edgecv
