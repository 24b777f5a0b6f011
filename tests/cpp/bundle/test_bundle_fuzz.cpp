#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "../../fuzz/bundle_fuzz.cpp"
#include "golden.hpp"
#include "temporary_folder.hpp"

namespace {

/// One small change: a byte, a number at its limit, something cut, doubled or moved.
void mutate(std::string& bytes, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % limit; };
  if (bytes.empty()) bytes = "PK";
  const std::size_t at = below(bytes.size());
  switch (below(6)) {
    case 0:
      bytes[at] = static_cast<char>(random());
      break;
    case 1: {
      const std::size_t size = std::size_t{1} << below(4);
      bytes.replace(at, size, size, below(2) == 0 ? '\xff' : '\0');
      break;
    }
    case 2:
      bytes.erase(at, 1 + below(12));
      break;
    case 3:
      bytes.insert(below(bytes.size()), bytes.substr(at, 1 + below(80)));
      break;
    case 4:
      bytes.resize(at);
      break;
    default:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
  }
}

std::string in_memory(const std::string& manifest, const std::string& graph) {
  const std::string sizes{static_cast<char>(manifest.size() >> 8),
                          static_cast<char>(manifest.size())};
  return sizes + manifest + graph;
}

}  // namespace

TEST_CASE("altered zips are bundles, or refused with one line") {
  const edgecv::testing::TemporaryFolder folder;
  const std::filesystem::path zip = folder.path() / "street.zip";
  std::vector<std::string> seeds;
  for (const auto& file : std::filesystem::directory_iterator(EDGECV_GOLDEN "/zips")) {
    if (file.path().extension() == ".zip") seeds.push_back(read_file(file.path().string()));
  }
  std::sort(seeds.begin(), seeds.end());
  std::mt19937 random(20240801);
  int accepted = 0;
  constexpr int rounds = 3000;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = seeds[static_cast<std::size_t>(round) % seeds.size()];
    const unsigned changes = 1 + random() % 3;
    for (unsigned i = 0; i < changes; ++i) mutate(bytes, random);
    accepted += is_zip_of_bundle(bytes, zip);
  }
  CHECK(accepted > 0);  // some changes fall on times and comments
  CHECK(accepted < rounds / 2);
}

TEST_CASE("altered files in memory are a bundle, or refused with one line") {
  const std::string manifest = golden_manifest();
  const std::string graph = read_file(EDGECV_GOLDEN "/bundle_v1/main.onnx");
  CHECK(is_bundle_in_memory(in_memory(manifest, graph)));
  std::mt19937 random(20240801);
  int accepted = 0;
  constexpr int rounds = 3000;
  for (int round = 0; round < rounds; ++round) {
    std::string one = manifest, other = graph;
    mutate(random() % 4 == 0 ? other : one, random);
    accepted += is_bundle_in_memory(in_memory(one, other));
  }
  CHECK(accepted > 0);
  CHECK(accepted < rounds / 2);
}
