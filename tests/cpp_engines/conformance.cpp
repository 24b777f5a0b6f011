// Prints the rules that an engine breaks on a graph.
//
// conformance ENGINE[@DEVICE] GRAPH SHAPE... [then SHAPE...]..., a shape for each input as
// 1x3x32x48
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "edgecv/engine/conformance.hpp"

int main(int count, char** arguments) {
  const std::string given = arguments[1], name = given.substr(0, given.find('@'));
  std::vector<std::vector<edgecv::Shape>> shapes(1);
  for (int i = 3; i < count; ++i) {
    if (std::string(arguments[i]) == "then") {
      shapes.emplace_back();
      continue;
    }
    std::istringstream text(arguments[i]);
    edgecv::Shape shape;
    for (std::string axis; std::getline(text, axis, 'x');) shape.push_back(std::stoll(axis));
    shapes.back().push_back(shape);
  }
  try {
    for (const edgecv::EngineKind& kind : edgecv::registered_engines()) {
      if (kind.name != name) continue;
      edgecv::EngineSetup setup;
      setup.files.emplace("main", edgecv::HashedFile(arguments[2]));
      if (name != given) setup.device = given.substr(name.size() + 1);
      setup.precision = "fp32";
      setup.threads = 1;
      const auto engine = kind.open(setup).at("main");
      for (const std::string& broken : edgecv::engine_conformance(*engine, shapes)) {
        std::printf("%s\n", broken.c_str());
      }
      std::printf("%s tried\n", engine->name().c_str());
    }
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
