// An engine of one's own: registered under a name, tried on the contract that engines keep, and
// loaded as any other. The bundle is made in memory; see brightness.hpp for the engine.
//
// own_engine IMAGE.ppm
#include <cstdio>
#include <memory>
#include <string>

#include <edgecv/edgecv.hpp>

#include "brightness.hpp"
#include "ppm.hpp"

namespace {

constexpr char kManifest[] = R"({
  "schema": 2, "name": "brightness", "task": "classify", "architecture": "none",
  "labels": ["bright"],
  "input": {
    "color": "rgb", "size": [8, 8], "resize": "stretch", "max_size": null, "align": "center",
    "crop": null, "interpolation": "bilinear", "antialias": true, "scale": 0.00392156862745098,
    "mean": [0, 0, 0], "std": [1, 1, 1], "pad_value": 0.0, "pad_multiple": 1, "dtype": "float32",
    "layout": "nchw"
  },
  "graphs": {"main": [{
    "file": "main.onnx", "precision": "fp32", "dialect": "onnx",
    "sha256": "0000000000000000000000000000000000000000000000000000000000000000",
    "inputs": [{"name": "images", "dtype": "float32", "shape": [null, 3, 8, 8]}],
    "outputs": [{"name": "scores", "dtype": "float32", "shape": [null, 1]}]
  }]},
  "postprocess": {
    "method": "classify", "scores": {"output": "scores", "function": "none"}, "topk": 1
  },
  "provenance": {"made_by": "own_engine"}
})";

edgecv::EngineKind brightness_kind() {
  edgecv::EngineKind kind;
  kind.name = "brightness";
  kind.offers = [](const edgecv::EngineOptions&) {
    edgecv::EngineOffer offer;
    offer.engine = "brightness";
    // It needs no graph. An engine that runs the bundle's graphs leaves this out.
    offer.find_files = [](const edgecv::Bundle&, const edgecv::EngineRequest&) {
      return edgecv::EngineFiles{"fp32", {}};
    };
    return std::vector<edgecv::EngineOffer>{offer};
  };
  kind.open = [](const edgecv::EngineSetup&) {
    return edgecv::Engines{{"main", std::make_shared<Brightness>()}};
  };
  return kind;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: own_engine IMAGE.ppm\n");
    return 2;
  }
  try {
    Brightness engine;
    for (const std::string& broken :
         edgecv::engine_conformance(engine, {{{2, 3, 8, 8}}, {{5, 3, 8, 8}}})) {
      std::printf("the contract is broken: %s\n", broken.c_str());
    }

    edgecv::register_engine(brightness_kind());
    edgecv::MemoryFiles files;
    files["bundle.json"] = edgecv::Bytes{kManifest, sizeof kManifest - 1};
    edgecv::Options options;
    options.engine = "brightness";
    auto classifier = edgecv::load<edgecv::Classifier>(edgecv::BundleSource(files), options);

    const Ppm image = read_ppm(arguments[1]);
    const edgecv::Classification result = classifier(image.view());
    std::printf("%s %.3f\n", classifier.label(result.labels[0]), result.probabilities[0]);
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "own_engine: %s\n", error.what());
    return 2;
  }
}
