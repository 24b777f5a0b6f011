// Checked reading of JSON: each step knows its path, so that a fault can be named.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bundle/bundle_error.hpp"
#include "bundle/names.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

using Json = nlohmann::ordered_json;

/// Strict JSON with limits for hostile text: size, depth, keys per object, no key twice. Throws
/// Error (bad_bundle). `path` is where the text belongs in bundle.json.
Json parse_json(const std::string& text, const std::string& path = "");

class JsonObject;

/// A value and its path. Every reader throws Error (bad_bundle) if the value is of another type.
class JsonNode {
 public:
  JsonNode(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  const Json& json() const { return *value_; }
  bool is_null() const { return value_->is_null(); }

  bool boolean() const;
  int integer() const;
  std::int64_t integer64() const;
  double number() const;
  float float32() const;  // refuses what overflows
  std::string string() const;
  Size size() const;  // [height, width]

  template <typename Enum>
  Enum name() const {
    const std::string text = string();
    if (const auto value = from_name<Enum>(text)) return *value;
    bad_value(path_, "one of " + all_names<Enum>(), quoted(text));
  }

  std::vector<JsonNode> items() const;

  /// read(node) of each item of an array.
  template <typename Read>
  auto list(Read read) const {
    std::vector<decltype(read(*this))> result;
    for (const JsonNode& item : items()) result.push_back(read(item));
    return result;
  }

  /// An object with exactly these keys; it may have `optional`, too.
  JsonObject object(std::initializer_list<const char*> keys, const char* optional = nullptr) const;

  /// The string under `key`, which decides what the object's other keys are.
  std::string tag(const char* key) const;

  /// The members of an object whose keys are free.
  std::vector<std::pair<std::string, JsonNode>> members() const;

 private:
  const Json* value_;
  std::string path_;
};

class JsonObject {
 public:
  explicit JsonObject(const JsonNode& node) : node_(node) {}
  JsonNode operator[](const char* key) const;

 private:
  JsonNode node_;
};

}  // namespace edgecv
