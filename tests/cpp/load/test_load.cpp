#include "edgecv/load/load.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "edgecv/detection/tiles.hpp"
#include "edgecv/engine/registry.hpp"
#include "golden.hpp"
#include "model_doubles.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace fs = std::filesystem;
using namespace edgecv;
using namespace edgecv::testing;

namespace {

std::string golden(const std::string& name) { return EDGECV_GOLDEN "/bundle_" + name; }

std::vector<Shape> same_shapes(const std::vector<Shape>& inputs) { return {inputs[0]}; }

/// The outputs of a golden bundle's graphs, by role.
std::map<std::string, Shapes> shapes_of(const std::string& name) {
  if (name == "v1") return {{"main", fixed_rows({{20, 3}, {20, 4}})}};
  if (name == "v2_classify") return {{"main", fixed_rows({{3}})}};
  if (name == "v2_segment") {
    return {{"main", [](const std::vector<Shape>& inputs) {
               return std::vector<Shape>{{inputs[0][0], 4, inputs[0][2] / 4, inputs[0][3] / 4}};
             }}};
  }
  const auto few = [](const std::vector<Shape>&) { return std::vector<Shape>{{1, 2, 3}}; };
  return {{"main", same_shapes}, {"statistics", few}, {"tile", same_shapes}};
}

/// An engine that registers as "mixer" and remembers with what it was opened.
class MixerKind {
 public:
  explicit MixerKind(const std::string& bundle = "v1")
      : graphs_(Bundle::open(golden(bundle)).manifest().graphs), shapes_(shapes_of(bundle)) {
    EngineKind kind;
    kind.name = "mixer";
    kind.default_device = "blender";
    kind.offers = [this](const EngineOptions& options) {
      offered_with = options;
      EngineOffer offer;
      offer.why_not = [this] { return why_not; };
      return std::vector<EngineOffer>{offer};
    };
    kind.open = [this](const EngineSetup& setup) { return open(setup); };
    register_engine(kind);
  }
  ~MixerKind() {
    // Others may ask for offers later.
    EngineKind gone;
    gone.name = "mixer";
    gone.offers = [](const EngineOptions&) { return std::vector<EngineOffer>(); };
    gone.open = [](const EngineSetup&) { return Engines(); };
    register_engine(gone);
  }
  MixerKind(const MixerKind&) = delete;
  MixerKind& operator=(const MixerKind&) = delete;

  std::string why_not;
  std::function<void()> before_opening;
  EngineOptions offered_with;
  std::vector<EngineSetup> setups;  // of all calls of open()
  std::shared_ptr<Log> log = std::make_shared<Log>();

 private:
  Engines open(const EngineSetup& setup) {
    setups.push_back(setup);
    if (before_opening) before_opening();
    Engines engines;
    for (const auto& [role, file] : setup.files) {
      const auto shapes = shapes_.find(role);
      engines[role] = std::make_shared<Mixer>(
          graphs_.at(role)[0], shapes == shapes_.end() ? same_shapes : shapes->second, true, log);
    }
    return engines;
  }

  std::map<std::string, std::vector<GraphFile>> graphs_;
  std::map<std::string, Shapes> shapes_;
};

Options mixer_options() {
  Options options;
  options.engine = "mixer";
  options.threads = 1;
  return options;
}

/// What load() says of options, for the golden detector.
std::string refused(const Options& options, ErrorCode code) {
  return refusal(code, [&] { load<Detector>(golden("v1"), options); });
}

template <class Model>
std::string said_of(const std::string& bundle) {
  return refusal(ErrorCode::bad_bundle, [&] { load<Model>(golden(bundle), mixer_options()); });
}

/// The golden detector's files, read by the test.
MemoryFiles detector_in_memory(std::map<std::string, std::string>& content) {
  MemoryFiles files;
  for (const char* name : {"bundle.json", "main.onnx"}) {
    content[name] = read_file(golden("v1") + "/" + name);
    files[name] = Bytes{content[name].data(), content[name].size()};
  }
  return files;
}

}  // namespace

TEST_CASE("a model of each class is what its constructor makes") {
  const Images images;
  const auto same = [&](auto loaded, auto made) {
    for (const Image& image : images.images) CHECK(bits_of(loaded(image)) == bits_of(made(image)));
  };
  const auto log = std::make_shared<Log>();
  {
    const MixerKind kind("v1");
    same(load<Detector>(golden("v1"), mixer_options()), make_detector(true, log));
    CHECK(kind.setups.size() == 1);
    CHECK(kind.setups[0].threads == 1);
  }
  {
    const MixerKind kind("v2_classify");
    same(load<Classifier>(golden("v2_classify"), mixer_options()), make_classifier(true, log));
  }
  {
    const MixerKind kind("v2_segment");
    same(load<SemanticSegmenter>(golden("v2_segment"), mixer_options()), make_segmenter(true, log));
  }
  {
    const MixerKind kind("v2_style");
    Stylizer loaded = load<Stylizer>(golden("v2_style"), mixer_options());
    Stylizer made = make_stylizer(true, log);
    for (const Tiling tiling : {Tiling::automatic, Tiling::always}) {
      loaded.set_tiling(tiling);
      made.set_tiling(tiling);
      same(std::move(loaded), std::move(made));
      loaded = load<Stylizer>(golden("v2_style"), mixer_options());
      made = make_stylizer(true, log);
    }
    CHECK(kind.setups[0].files.size() == 3);
  }
  const MixerKind kind("v1_rcnn");
  const auto found = load<TwoStageDetector>(golden("v1_rcnn"), mixer_options());
  CHECK(kind.setups[0].files.size() == 3);
  CHECK(found.labels() == Bundle::open(golden("v1_rcnn")).manifest().labels);
}

TEST_CASE("without a class it is the one that the bundle needs") {
  const std::vector<std::string> bundles = {"v2_classify", "v1", "v1_rcnn", "v2_segment",
                                            "v2_style"};
  for (std::size_t i = 0; i < bundles.size(); ++i) {
    const MixerKind kind(bundles[i]);
    CHECK(load(golden(bundles[i]), mixer_options()).index() == i);  // in the variant's order
  }
}

TEST_CASE("another class says which one the bundle needs, before an engine is opened") {
  const MixerKind kind;
  CHECK(said_of<Detector>("v1_rcnn") ==
        golden("v1_rcnn") + " is not a bundle for a Detector: open it with TwoStageDetector");
  CHECK(said_of<TwoStageDetector>("v1") ==
        golden("v1") + " is not a bundle for a TwoStageDetector: open it with Detector");
  CHECK(said_of<Classifier>("v2_segment") ==
        golden("v2_segment") + " is not a bundle for a Classifier: open it with SemanticSegmenter");
  CHECK(said_of<SemanticSegmenter>("v2_style") ==
        golden("v2_style") + " is not a bundle for a SemanticSegmenter: open it with Stylizer");
  CHECK(said_of<Stylizer>("v2_classify") ==
        golden("v2_classify") + " is not a bundle for a Stylizer: open it with Classifier");
  CHECK(kind.setups.empty());
}

TEST_CASE("what a model says of itself") {
  const MixerKind kind;
  const Detector model = load<Detector>(golden("v1"), mixer_options());
  CHECK(model.labels() == std::vector<std::string>{"cat", "dog"});
  CHECK(std::string(model.label(1)) == "dog");
  CHECK(refusal(ErrorCode::invalid_input, [&] { model.label(2); }) ==
        "label: expected 0 to below 2, got 2");
  CHECK(refusal(ErrorCode::invalid_input, [&] { model.label(-1); }) ==
        "label: expected 0 to below 2, got -1");
  CHECK(model.choice().engine == "mixer");
  CHECK(model.choice().device == "blender");
  CHECK(model.choice().precision == "fp32");
  CHECK(model.choice().files.empty());
  const Detector copy = model;
  CHECK(copy.choice().engine == "mixer");
  CHECK(make_detector(true, kind.log).choice().engine == "");
}

TEST_CASE("options reach the engine, each its own") {
  const MixerKind kind;
  Options options = mixer_options();
  options.device = "cuda:1";
  options.threads = 3;
  options.engine_options = {{"mixer.speed", "high"},
                            {"session.spin", "0"},
                            {"openvino.cache_dir", "x"},
                            {"mixer", "itself"}};
  register_engine([] {
    EngineKind other;
    other.name = "openvino";
    other.offers = [](const EngineOptions&) { return std::vector<EngineOffer>(); };
    other.open = [](const EngineSetup&) { return Engines(); };
    return other;
  }());
  const Detector model = load<Detector>(golden("v1"), options);
  const EngineOptions expected = {{"speed", "high"}, {"session.spin", "0"}, {"mixer", "itself"}};
  CHECK(kind.offered_with == expected);
  CHECK(kind.setups[0].options == expected);
  CHECK(kind.setups[0].device == "cuda:1");
  CHECK(kind.setups[0].precision == "fp32");
  CHECK(kind.setups[0].threads == 3);
  CHECK(model.choice().device == "cuda:1");
}

TEST_CASE("the application's executor runs the loops") {
  struct Counting : Executor {
    int threads() const override { return 1; }
    void parallel_for(int count, int, const std::function<void(int, int)>& body) override {
      ++loops;
      body(0, count);
    }
    int loops = 0;
  };
  const MixerKind kind;
  const auto executor = std::make_shared<Counting>();
  Options options = mixer_options();
  options.executor = executor;
  const Images images;
  Detector model = load<Detector>(golden("v1"), options);
  CHECK(bits_of(model(images.images[0])) ==
        bits_of(make_detector(true, kind.log)(images.images[0])));
  CHECK(executor->loops > 0);
}

TEST_CASE("options that cannot be") {
  MixerKind kind;
  Options options = mixer_options();
  options.threads = 1025;
  CHECK(refused(options, ErrorCode::invalid_input) == "threads: expected 1 to 1024, got 1025");
  options.threads = -1;
  CHECK(refused(options, ErrorCode::invalid_input) == "threads: expected 1 to 1024, got -1");
  options = mixer_options();
  options.precision = "int8";
  CHECK(refused(options, ErrorCode::bad_bundle) ==
        golden("v1") +
            " has no graph \"main\" in precision \"int8\", dialect \"onnx\"; it has main in fp32, "
            "onnx");
  options.engine = "tflite";
  CHECK(refused(options, ErrorCode::engine)
            .find("engine \"tflite\" is not known: expected one of ") == 0);
  CHECK(kind.setups.empty());
}

TEST_CASE("an engine that cannot run here is passed over, and the reason kept") {
  MixerKind kind;
  kind.why_not = "it has no bowl";
  const std::string said = refused(Options(), ErrorCode::engine);
  CHECK(said.find("no engine can run " + golden("v1") + " here: ") == 0);
  CHECK(said.find("mixer: it has no bowl") != std::string::npos);

  EngineKind last;
  last.name = "zz_last";
  last.offers = [](const EngineOptions&) { return std::vector<EngineOffer>(1); };
  last.open = [&](const EngineSetup& setup) {
    Engines engines;
    for (const auto& [role, file] : setup.files) {
      const GraphFile graph = Bundle::open(golden("v1")).manifest().graphs.at("main")[0];
      engines[role] = std::make_shared<Mixer>(graph, shapes_of("v1")["main"], true, kind.log);
    }
    return engines;
  };
  register_engine(last);
  const Choice choice = load<Detector>(golden("v1")).choice();
  last.offers = [](const EngineOptions&) { return std::vector<EngineOffer>(); };
  register_engine(last);
  CHECK(choice.engine == "zz_last");
  REQUIRE(choice.passed_over.size() == 1);
  CHECK(choice.passed_over[0] == std::pair<std::string, std::string>("mixer", "it has no bowl"));
}

TEST_CASE("what an engine throws is an Error with its name") {
  MixerKind kind;
  kind.before_opening = [] { throw std::runtime_error("a cable is loose"); };
  CHECK(refused(mixer_options(), ErrorCode::engine) ==
        "mixer failed while it was opened: a cable is loose");
  kind.before_opening = [] { throw Error(ErrorCode::invalid_input, "mixer has no option \"x\""); };
  CHECK(refused(mixer_options(), ErrorCode::invalid_input) == "mixer has no option \"x\"");
  kind.before_opening = [] { throw std::bad_alloc(); };
  CHECK_THROWS_AS(load<Detector>(golden("v1"), mixer_options()), std::bad_alloc);
}

TEST_CASE("an engine that leaves a role out") {
  EngineKind kind;
  kind.name = "forgetful";
  kind.offers = [](const EngineOptions&) { return std::vector<EngineOffer>(1); };
  kind.open = [](const EngineSetup&) { return Engines(); };
  register_engine(kind);
  Options options;
  options.engine = "forgetful";
  CHECK(refused(options, ErrorCode::engine) == "the graph \"main\" has no engine");
  kind.offers = [](const EngineOptions&) { return std::vector<EngineOffer>(); };
  register_engine(kind);
}

TEST_CASE("a bundle that is replaced while it is loaded is loaded again") {
  const TemporaryFolder folder;
  fs::copy(golden("v1"), folder.path(), fs::copy_options::recursive);
  const std::string manifest = golden_manifest();
  const auto write_manifest = [&](const std::string& name) {
    std::ofstream(folder.path() / "bundle.json")
        << replaced(manifest, "\"name\": \"golden\"", "\"name\": \"" + name + "\"");
  };
  MixerKind kind;
  kind.before_opening = [&] {
    if (kind.setups.size() > 1) return;
    write_manifest("second");
    throw Error(ErrorCode::engine, "the graph and the manifest do not belong together");
  };
  const std::string path = folder.path().string();
  CHECK(load<Detector>(path, mixer_options()).choice().engine == "mixer");
  CHECK(kind.setups.size() == 2);

  // Again and again: at last the error is told.
  kind.before_opening = [&] {
    write_manifest(std::to_string(kind.setups.size()));
    throw Error(ErrorCode::engine, "attempt " + std::to_string(kind.setups.size()));
  };
  kind.setups.clear();
  CHECK(refusal(ErrorCode::engine, [&] { load<Detector>(path, mixer_options()); }) == "attempt 21");

  // A fault of a bundle that stays is told at once.
  kind.before_opening = [&] { throw Error(ErrorCode::engine, "it is broken"); };
  kind.setups.clear();
  CHECK(refusal(ErrorCode::engine, [&] { load<Detector>(path, mixer_options()); }) ==
        "it is broken");
  CHECK(kind.setups.size() == 1);
}

#ifdef __linux__
TEST_CASE("a graph that is written into while an engine reads it") {
  const TemporaryFolder folder;
  fs::copy(golden("v1"), folder.path(), fs::copy_options::recursive);
  MixerKind kind;
  kind.before_opening = [&] { std::ofstream(folder.path() / "main.onnx") << "another graph"; };
  const std::string path = folder.path().string();
  CHECK(refusal(ErrorCode::bad_bundle, [&] { load<Detector>(path, mixer_options()); }) ==
        path + "/main.onnx was written to while it was loaded: load it again");
}
#endif

TEST_CASE("from a zip and from memory an engine gets bytes, from a folder a path") {
  const MixerKind kind;
  std::map<std::string, std::string> content;
  const MemoryFiles files = detector_in_memory(content);
  load<Detector>(EDGECV_GOLDEN "/zips/deflated.zip", mixer_options());
  load<Detector>(files, mixer_options());
  load<Detector>(golden("v1"), mixer_options());
  REQUIRE(kind.setups.size() == 3);
  for (const EngineSetup& setup : kind.setups) {
    const Bytes bytes = setup.files.at("main").bytes();
    CHECK(std::string(static_cast<const char*>(bytes.data), bytes.size) == content["main.onnx"]);
  }
  CHECK(kind.setups[0].files.at("main").path() == "");
  CHECK(kind.setups[1].files.at("main").path() == "");
  CHECK(kind.setups[1].files.at("main").bytes().data == content["main.onnx"].data());
  CHECK(read_file(kind.setups[2].files.at("main").path()) == content["main.onnx"]);
}

TEST_CASE("thresholds by name") {
  const MixerKind kind;
  const Images images;
  Detector model = load<Detector>(golden("v1"), mixer_options());
  const auto labels = [&] {
    std::vector<std::int64_t> seen(2);
    for (const Image& image : images.images) {
      for (const std::int64_t label : model(image).labels) ++seen[static_cast<std::size_t>(label)];
    }
    return seen;
  };
  model.set_thresholds({0.01f, 0.01f});
  const auto all = labels();
  REQUIRE(all[0] > 0);
  REQUIRE(all[1] > 0);
  model.set_thresholds({{"cat", 1.f}});
  CHECK(labels()[0] == 0);
  CHECK(labels()[1] >= all[1]);  // fewer cats leave room
  const std::map<std::string, float> both = {{"dog", 1.f}, {"cat", 0.01f}};
  model.set_thresholds(both);
  CHECK(labels()[0] >= all[0]);
  CHECK(labels()[1] == 0);
  const auto said = [&](const std::map<std::string, float>& names) {
    return refusal(ErrorCode::invalid_input, [&] { model.set_thresholds(names); });
  };
  CHECK(said({{"cat", 0.f}, {"horse", 0.5f}}) ==
        "thresholds: this bundle has no class \"horse\", only cat, dog");
  CHECK(said({{"cat", 1.f}, {"dog", 1.5f}}) ==
        "thresholds: expected a number from 0 to 1, got 1.5");
  CHECK(labels()[0] >= all[0]);  // an error changes none
  model.set_thresholds({});
  const auto usual = labels();
  Detector fresh = load<Detector>(golden("v1"), mixer_options());
  std::swap(model, fresh);
  CHECK(labels() == usual);

  const MixerKind two_stages("v1_rcnn");
  auto instances = load<TwoStageDetector>(golden("v1_rcnn"), mixer_options());
  instances.set_thresholds({{instances.label(0), 0.75f}});
  CHECK(refusal(ErrorCode::invalid_input, [&] {
          instances.set_thresholds({{"horse", 0.5f}});
        }).find("thresholds: this bundle has no class \"horse\", only ") == 0);
}

TEST_CASE("detections one by one") {
  const Detections found{{1, 2, 3, 4, 5, 6, 7, 8}, {0.75f, 0.5f}, {1, 0}};
  std::vector<float> values;
  for (const Detection& object : found) {
    values.insert(values.end(), object.box, object.box + 4);
    values.push_back(object.score);
    values.push_back(static_cast<float>(object.label));
  }
  CHECK(values == std::vector<float>{1, 2, 3, 4, 0.75f, 1, 5, 6, 7, 8, 0.5f, 0});
  CHECK(found.size() == 2);
  CHECK(found[1].box == &found.boxes[4]);
  const Detections none;
  CHECK(none.begin() == none.end());
}

TEST_CASE("tiles of a loaded detector") {
  const MixerKind kind;
  const Images images;
  Detector loaded = load<Detector>(golden("v1"), mixer_options());
  Detector made = make_detector(true, kind.log);
  TileSpec tiles;
  tiles.size = {24, 32};
  CHECK(bits_of(detect_in_tiles(loaded, images.images[5], tiles)) ==
        bits_of(detect_in_tiles(made, images.images[5], tiles)));
}
