// Zips with one byte changed, or cut off, open as what they were or are an error of one line.
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/error.hpp"
#include "golden.hpp"
#include "temporary_folder.hpp"

using namespace edgecv;

namespace {

class Attempts {
 public:
  void open(const std::string& zip) {
    std::ofstream(path_, std::ios::binary) << zip;
    try {
      const Bundle bundle = Bundle::open(path_);
      const GraphFile& graph = bundle.graph("main", "fp32", "onnx");
      const Bytes bytes = bundle.verified_file(graph.file, graph.sha256).bytes();
      const bool same = std::string(static_cast<const char*>(bytes.data), bytes.size) == graph_;
      REQUIRE(same);
      ++opened;
    } catch (const Error& error) {
      const std::string said = error.what();
      const bool one_line = said.find('\n') == std::string::npos && said.find(path_) == 0;
      REQUIRE_MESSAGE(one_line, said);
      REQUIRE(error.code() == ErrorCode::bad_bundle);
      ++refused;
    }
  }

  int opened = 0, refused = 0;

 private:
  const testing::TemporaryFolder folder_;
  const std::string path_ = (folder_.path() / "x.zip").string();
  const std::string graph_ = read_file(EDGECV_GOLDEN "/bundle_v1/main.onnx");
};

}  // namespace

TEST_CASE("zips with one byte changed") {
  Attempts attempts;
  for (const char* name : {"deflated", "stored_in_a_folder", "zip64"}) {
    const std::string zip = read_file(EDGECV_GOLDEN "/zips/" + std::string(name) + ".zip");
    for (std::size_t at = 0; at < zip.size(); ++at) {
      std::string changed = zip;
      changed[at] = static_cast<char>(changed[at] ^ (at % 3 == 0 ? 0xff : 1 << at % 8));
      attempts.open(changed);
    }
  }
  CHECK(attempts.opened > 100);  // times, comments and the like
  CHECK(attempts.refused > 1000);
}

TEST_CASE("zips that are cut off") {
  Attempts attempts;
  const std::string zip = read_file(EDGECV_GOLDEN "/zips/zip64.zip");
  for (std::size_t size = 0; size < zip.size(); ++size) attempts.open(zip.substr(0, size));
  CHECK(attempts.opened == 0);
}
