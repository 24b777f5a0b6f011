#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "edgecv/bundle/graph_check.hpp"
#include "edgecv/error.hpp"
#include "golden.hpp"

namespace {

/// Whether the bytes pass; a refusal is one line of the right kind.
bool passes(const std::string& bytes) {
  try {
    edgecv::check_graph(bytes.data(), bytes.size(), "x");
    return true;
  } catch (const edgecv::Error& error) {
    const std::string message = error.what();
    REQUIRE(error.code() == edgecv::ErrorCode::bad_bundle);
    REQUIRE(message.find_first_of("\r\n\t\x1b") == std::string::npos);
    REQUIRE(message.size() < 300);
    return false;
  }
}

std::string read(const std::string& name) {
  std::ifstream file(std::string(EDGECV_GOLDEN) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("graphs of the exporter pass, whatever is cut off or changed gives one line") {
  std::mt19937 random(7);
  for (const char* name : {"bundle_v1/main.onnx", "bundle_v1_rcnn/roi.onnx",
                           "bundle_v2_segment/main.onnx", "bundle_v2_style/tile.onnx"}) {
    const std::string good = read(name);
    REQUIRE(good.size() > 100);
    CHECK(passes(good));
    for (std::size_t size = 0; size < good.size(); ++size) passes(good.substr(0, size));
    for (int i = 0; i < 3000; ++i) {
      std::string changed = good;
      for (unsigned k = random() % 4 + 1; k > 0; --k) {
        changed[random() % changed.size()] = static_cast<char>(random());
      }
      passes(changed);
    }
  }
}

TEST_CASE("ONNX Runtime's own format is refused") {
  CHECK_FALSE(passes(std::string("\x0a\x06zzORTM", 8) + read("bundle_v1/main.onnx")));
}
