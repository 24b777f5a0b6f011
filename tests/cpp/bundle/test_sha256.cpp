#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "bundle/sha256.hpp"

using edgecv::Sha256;
using edgecv::Sha256Blocks;

namespace {

std::vector<Sha256Blocks> ways() {
  std::vector<Sha256Blocks> all = {edgecv::sha256_blocks_portable};
  if (edgecv::sha256_blocks_native()) all.push_back(edgecv::sha256_blocks_native());
  return all;
}

std::string digest(Sha256Blocks blocks, const std::string& data) {
  Sha256 hash(blocks);
  hash.update(data.data(), data.size());
  return hash.hex_digest();
}

}  // namespace

TEST_CASE("SHA-256 of the messages in FIPS 180 and NIST's examples") {
  for (const Sha256Blocks blocks : ways()) {
    CHECK(digest(blocks, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest(blocks, "abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest(blocks, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(
        digest(blocks,
               "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklm"
               "nopqrlmnopqrsmnopqrstnopqrstu") ==
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    CHECK(digest(blocks, std::string(1000000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
TEST_CASE("the processor's instructions are taken where the system says that it has them") {
  std::ifstream file("/proc/cpuinfo");
  std::string line, features;
  while (features.empty() && std::getline(file, line)) {
    if (line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0) features = line;
  }
  REQUIRE(!features.empty());
  std::istringstream words(features);
  bool listed = false;
  for (std::string word; words >> word;) listed = listed || word == "sha_ni" || word == "sha2";
  CHECK((edgecv::sha256_blocks_native() != nullptr) == listed);
}
#endif

TEST_CASE("SHA-256 does not depend on how the data are cut") {
  std::string data;
  for (int i = 0; i < 1000; ++i) data += static_cast<char>(i * 7 + i / 256);
  for (const Sha256Blocks blocks : ways()) {
    for (std::size_t size = 0; size <= 200; ++size) {
      const std::string whole = digest(edgecv::sha256_blocks_portable, data.substr(0, size));
      for (const std::size_t cut : {std::size_t{0}, size / 3, size / 2, size}) {
        Sha256 hash(blocks);
        hash.update(data.data(), cut);
        hash.update(data.data() + cut, size - cut);
        CHECK(hash.hex_digest() == whole);
      }
    }
    Sha256 byte_by_byte(blocks);
    for (const char byte : data) byte_by_byte.update(&byte, 1);
    CHECK(byte_by_byte.hex_digest() == digest(blocks, data));
  }
}
