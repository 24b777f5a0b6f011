#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "../../fuzz/manifest_fuzz.cpp"
#include "golden.hpp"

namespace {

/// One small change of the kind that finds faults in readers.
void mutate(std::string& text, std::mt19937& random) {
  static const std::array<const char*, 24> tokens{"null",  "true",       "0",
                                                  "-1",    "1e999",      "1e-999",
                                                  "65536", "2147483648", "9223372036854775808",
                                                  "[]",    "{}",         "\"",
                                                  "[",     "}",          ",",
                                                  ":",     "\\u0000",    "\\ud800",
                                                  "NaN",   "../",        "\n",
                                                  "\xff",  "\xe2\x80",   "1e308"};
  const auto below = [&](std::size_t limit) { return random() % limit; };
  if (text.empty()) text = "{}";
  const std::size_t at = below(text.size());
  switch (below(6)) {
    case 0:
      text[at] = static_cast<char>(random());
      break;
    case 1:
      text.insert(at, tokens[below(tokens.size())]);
      break;
    case 2:
      text.erase(at, 1 + below(12));
      break;
    case 3:
      text.insert(below(text.size()), text.substr(at, 1 + below(80)));
      break;
    case 4:
      text.resize(at);
      break;
    default: {  // a whole value for another
      const std::size_t begin = text.find_first_of("0123456789[{\"", at);
      if (begin == std::string::npos) break;
      const std::size_t end = text.find_first_of(",\n", begin);
      text.replace(begin, end - begin, tokens[below(tokens.size())]);
    }
  }
}

}  // namespace

TEST_CASE("altered manifests are read right or refused with one line") {
  const std::vector<std::string> seeds = {golden_manifest(),
                                          golden_manifest("bundle_v1_anchor_file"),
                                          golden_manifest("bundle_v2_segment")};
  std::mt19937 random(20240801);
  int accepted = 0;
  constexpr int rounds = 6000;
  for (int round = 0; round < rounds; ++round) {
    std::string text = seeds[static_cast<std::size_t>(round) % seeds.size()];
    const unsigned changes = 1 + random() % 3;
    for (unsigned i = 0; i < changes; ++i) mutate(text, random);
    accepted += is_manifest(text);
  }
  CHECK(accepted > 0);  // some changes fall on free text
  CHECK(accepted < rounds / 2);
}

TEST_CASE("every beginning of a manifest is refused, and the whole is read") {
  const std::string text = golden_manifest();
  const std::size_t end = text.find_last_of('}');
  for (std::size_t size = 0; size <= end; ++size) CHECK_FALSE(is_manifest(text.substr(0, size)));
  CHECK(is_manifest(text));
}
