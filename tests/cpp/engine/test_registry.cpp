#include "edgecv/engine/registry.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "refusal.hpp"

using namespace edgecv;

namespace {

EngineKind kind_named(const std::string& name, const std::string& device = "cpu") {
  EngineKind kind;
  kind.name = name;
  kind.default_device = device;
  kind.offers = [](const EngineOptions&) { return std::vector<EngineOffer>(); };
  kind.open = [](const EngineSetup&) { return Engines(); };
  return kind;
}

/// Of the names that this test registers, those that are there.
std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const EngineKind& kind : registered_engines()) found.push_back(kind.name);
  return found;
}

std::ptrdiff_t place(const std::string& name) {
  const auto all = names();
  CHECK(std::count(all.begin(), all.end(), name) == 1);
  return std::find(all.begin(), all.end(), name) - all.begin();
}

}  // namespace

TEST_CASE("engines stand in the order of preference, others as they came") {
  register_engine(kind_named("test_b"));
  register_engine(kind_named("openvino"));
  register_engine(kind_named("test_a"));
  register_engine(kind_named("onnxruntime"));
  CHECK(place("onnxruntime") == 0);
  CHECK(place("openvino") == 1);
  CHECK(place("test_b") < place("test_a"));
}

TEST_CASE("a kind of the same name takes the other's place") {
  register_engine(kind_named("test_first"));
  register_engine(kind_named("test_second"));
  const auto before = place("test_first");
  register_engine(kind_named("test_first", "npu"));
  CHECK(place("test_first") == before);
  CHECK(registered_engines()[static_cast<std::size_t>(before)].default_device == "npu");
}

TEST_CASE("a kind that could not be used is refused") {
  EngineKind kind = kind_named("test_half");
  kind.open = nullptr;
  CHECK(testing::refusal(ErrorCode::invalid_input, [&] { register_engine(kind); }) ==
        "engine \"test_half\": expected a kind with a name, `offers` and `open`");
}
