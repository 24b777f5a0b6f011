// The cases of tests/golden/choices.json, which tests/runtime/test_choice.py runs as well.
#include "edgecv/load/choice.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "edgecv/error.hpp"
#include "golden.hpp"
#include "refusal.hpp"

using namespace edgecv;
using nlohmann::json;

namespace {

const std::string kPlan = "a plan";

/// The golden bundle with its one graph in these precisions.
struct GoldenBundle {
  explicit GoldenBundle(const std::vector<std::string>& precisions) {
    json record = json::parse(golden_manifest());
    const json graph = record["graphs"]["main"][0];
    record["graphs"]["main"] = json::array();
    for (const std::string& precision : precisions) {
      json variant = graph;
      variant["precision"] = precision;
      variant["file"] = "main." + precision + ".onnx";
      record["graphs"]["main"].push_back(variant);
      files["main." + precision + ".onnx"] = Bytes{content.data(), content.size()};
    }
    manifest = record.dump();
    files["bundle.json"] = Bytes{manifest.data(), manifest.size()};
    bundle = Bundle::open({files, "BUNDLE"});
  }

  std::string content = read_file(EDGECV_GOLDEN "/bundle_v1/main.onnx"), manifest;
  MemoryFiles files;
  Bundle bundle;
};

EngineOffer to_offer(const json& record) {
  EngineOffer offer;
  offer.engine = record.at("engine");
  offer.device = record.value("device", "");
  offer.devices = record.value("devices", std::vector<std::string>());
  offer.computes = record.value("computes", std::map<std::string, std::string>());
  if (record.contains("why_not")) {
    offer.why_not = [why = record["why_not"].get<std::string>()] { return why; };
  }
  for (const auto& [key, code] : {std::pair{"engine_error", ErrorCode::engine},
                                  std::pair{"bundle_error", ErrorCode::bad_bundle}}) {
    if (!record.contains(key)) continue;
    offer.find_files = [error = Error(code, record[key])](const Bundle&, const EngineRequest&) {
      throw error;
      return EngineFiles();
    };
  }
  if (record.contains("files")) {
    offer.find_files = [precision = record["files"].get<std::string>()](const Bundle&,
                                                                        const EngineRequest&) {
      EngineFiles found{precision, {}};
      found.files.emplace("main", HashedFile::in_memory("main.plan", {kPlan.data(), kPlan.size()}));
      return found;
    };
  }
  return offer;
}

}  // namespace

TEST_CASE("the choices that Python makes as well") {
  const json golden = json::parse(read_file(EDGECV_GOLDEN "/choices.json"));
  CHECK(golden["cases"].size() == 27);
  for (const json& one : golden["cases"]) {
    CAPTURE(one["what"].get<std::string>());
    const GoldenBundle made(one.value("has", std::vector<std::string>{"fp32"}));
    std::vector<EngineOffer> offers;
    for (const std::string name : one["offers"]) {
      offers.push_back(to_offer(golden["offers"].at(name)));
    }
    const EngineRequest asked{one.value("engine", ""), one.value("device", ""),
                              one.value("precision", "")};
    if (one.contains("error")) {
      const ErrorCode code =
          one["error"][0] == "engine" ? ErrorCode::engine : ErrorCode::bad_bundle;
      CHECK(testing::refusal(code, [&] { choose(made.bundle, asked, offers); }) ==
            one["error"][1].get<std::string>());
      continue;
    }
    const Choice choice = choose(made.bundle, asked, offers);
    CHECK(json{choice.engine, choice.device, choice.precision} == one["chosen"]);
    CHECK(json(choice.passed_over) == one["passed_over"]);
    CHECK(choice.files.size() == (one.contains("files") ? 1 : 0));
    for (const auto& [role, file] : choice.files) {
      CHECK(role == "main");
      CHECK(file.name().substr(file.name().rfind('/') + 1) == one["files"].get<std::string>());
    }
  }
}

TEST_CASE("an offer is asked only when its turn comes, and a fault of its own is no reason") {
  const GoldenBundle made({"fp32"});
  std::vector<EngineOffer> offers(2);
  offers[0].engine = "first";
  offers[1].engine = "second";
  offers[1].why_not = []() -> std::string { throw std::runtime_error("asked"); };
  CHECK(choose(made.bundle, {}, offers).engine == "first");
  std::swap(offers[0], offers[1]);
  CHECK_THROWS_AS(choose(made.bundle, {}, offers), std::runtime_error);
  offers[0].why_not = nullptr;
  offers[0].find_files = [](const Bundle&, const EngineRequest&) -> EngineFiles {
    throw Error(ErrorCode::internal, "a fault");
  };
  CHECK(testing::refusal(ErrorCode::internal, [&] { choose(made.bundle, {}, offers); }) ==
        "a fault");
}
