#include "edgecv/load/load.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "bundle/bundle_error.hpp"
#include "bundle/pipeline_of.hpp"
#include "edgecv/engine/registry.hpp"
#include "edgecv/error.hpp"
#include "edgecv/load/choice.hpp"

namespace edgecv {
namespace {

constexpr int kReloads = 20;  // at most, of a bundle that others replace again and again
constexpr std::chrono::milliseconds kLongestPause(200);  // before one of them
constexpr int kMaxThreads = 1024;

/// The options for one engine, without the names of engines before them.
EngineOptions options_for(const EngineKind& kind, const std::vector<EngineKind>& kinds,
                          const EngineOptions& given) {
  EngineOptions own;
  for (const auto& [key, value] : given) {
    const std::string engine = key.substr(0, key.find('.'));
    const bool named = std::any_of(kinds.begin(), kinds.end(),
                                   [&](const EngineKind& one) { return one.name == engine; });
    if (!named || engine == key) {
      own[key] = value;
    } else if (engine == kind.name) {
      own[key.substr(engine.size() + 1)] = value;
    }
  }
  return own;
}

[[noreturn]] void nothing_runs(const Bundle& bundle, const Choice& choice) {
  std::string reasons;
  for (const auto& [offer, reason] : choice.passed_over) {
    reasons += (reasons.empty() ? "" : "; ") + offer + ": " + reason;
  }
  throw Error(ErrorCode::engine, "no engine can run " + bundle.folder() + " here: " + reasons);
}

struct Opened {
  Choice choice;
  Engines engines;
};

/// What an engine from elsewhere throws becomes an Error with its name.
template <class Call>
auto called(const std::string& engine, const Call& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::engine, engine + " failed while it was opened: " + error.what());
  }
}

std::vector<EngineOffer> offers_of(const std::vector<EngineKind>& kinds, const Options& options) {
  std::vector<EngineOffer> all;
  for (const EngineKind& kind : kinds) {
    // Options for one engine would be unknown to another.
    const bool meant = options.engine.empty() || options.engine == kind.name;
    const EngineOptions own =
        meant ? options_for(kind, kinds, options.engine_options) : EngineOptions();
    for (EngineOffer& offer : called(kind.name, [&] { return kind.offers(own); })) {
      offer.engine = kind.name;
      if (offer.why_not) {
        offer.why_not = [name = kind.name, why_not = std::move(offer.why_not)] {
          return called(name, why_not);
        };
      }
      all.push_back(std::move(offer));
    }
  }
  return all;
}

Opened open_engines(const Bundle& bundle, const Options& options) {
  const std::vector<EngineKind> kinds = registered_engines();
  if (kinds.empty()) {
    throw Error(ErrorCode::engine,
                "no engine is linked: link edgecv::onnxruntime or edgecv::openvino, or register "
                "one of your own");
  }
  Choice choice = choose(bundle, {options.engine, options.device, options.precision},
                         offers_of(kinds, options));
  if (choice.engine.empty()) nothing_runs(bundle, choice);
  const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const EngineKind& one) { return one.name == choice.engine; });
  EngineSetup setup;
  setup.files = std::move(choice.files);
  choice.files.clear();
  setup.device = choice.device;
  setup.precision = choice.precision;
  setup.threads = options.threads;
  setup.options = options_for(*kind, kinds, options.engine_options);
  Engines engines = called(kind->name, [&] { return kind->open(setup); });
  for (const auto& [role, file] : setup.files) file.require_unchanged();
  if (choice.device.empty()) choice.device = kind->default_device;
  return {std::move(choice), std::move(engines)};
}

std::shared_ptr<Engine> of_role(const Engines& engines, const std::string& role) {
  const auto found = engines.find(role);
  return found == engines.end() ? nullptr : found->second;
}

template <class Model>
Model make(const Bundle& bundle, const Engines& engines, std::shared_ptr<Executor> executor) {
  return Model(bundle, of_role(engines, "main"), std::move(executor));
}

template <>
TwoStageDetector make<TwoStageDetector>(const Bundle& bundle, const Engines& engines,
                                        std::shared_ptr<Executor> executor) {
  TwoStageEngines roles;
  roles.backbone = of_role(engines, "trunk");
  roles.roi = of_role(engines, "roi");
  roles.mask = of_role(engines, "mask");
  return TwoStageDetector(bundle, std::move(roles), std::move(executor));
}

template <>
Stylizer make<Stylizer>(const Bundle& bundle, const Engines& engines,
                        std::shared_ptr<Executor> executor) {
  StylizerEngines roles{of_role(engines, "main"), of_role(engines, "statistics"),
                        of_role(engines, "tile")};
  return Stylizer(bundle, std::move(roles), std::move(executor));
}

/// Opens the bundle, and once more where it was replaced meanwhile: its graphs would be of another
/// bundle than its manifest.
template <class Make>
auto with_bundle(const BundleSource& source, const Options& options, const Make& make_model) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    throw Error(ErrorCode::invalid_input, "threads: expected 1 to " + std::to_string(kMaxThreads) +
                                              ", got " + std::to_string(options.threads));
  }
  for (int reloads = 0;; ++reloads) {
    const Bundle bundle = Bundle::open(source);
    try {
      return make_model(bundle);
    } catch (const Error&) {
      if (reloads == kReloads || bundle.is_current()) throw;
    }
    // Whoever replaces it goes first.
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(
        kLongestPause, std::chrono::milliseconds(1ll << reloads)));
  }
}

}  // namespace

class Loader {
 public:
  template <class Model>
  static Model load(const Bundle& bundle, const Options& options) {
    Opened opened = open_engines(bundle, options);
    Model model =
        make<Model>(bundle, opened.engines,
                    options.executor ? options.executor : shared_executor(options.threads));
    model.choice_ = std::make_shared<const Choice>(std::move(opened.choice));
    return model;
  }

  template <class Model>
  static Model load(const BundleSource& source, const Options& options, const char* pipeline) {
    return with_bundle(source, options, [&](const Bundle& bundle) {
      if (pipeline_of(bundle.manifest()) != std::string(pipeline)) refuse_bundle(bundle, pipeline);
      return load<Model>(bundle, options);
    });
  }
};

namespace {

/// The class that runs a bundle, by its postprocessing.
struct LoadAny {
  const Bundle& bundle;
  const Options& options;

  AnyModel operator()(const ClassifySpec&) const {
    return Loader::load<Classifier>(bundle, options);
  }
  AnyModel operator()(const SsdSpec&) const { return Loader::load<Detector>(bundle, options); }
  AnyModel operator()(const DenseSpec&) const { return Loader::load<Detector>(bundle, options); }
  AnyModel operator()(const RcnnSpec&) const {
    return Loader::load<TwoStageDetector>(bundle, options);
  }
  AnyModel operator()(const SegmentSpec&) const {
    return Loader::load<SemanticSegmenter>(bundle, options);
  }
  AnyModel operator()(const StylizeSpec&) const { return Loader::load<Stylizer>(bundle, options); }
};

}  // namespace

AnyModel load(const BundleSource& source, const Options& options) {
  return with_bundle(source, options, [&](const Bundle& bundle) {
    return std::visit(LoadAny{bundle, options}, bundle.manifest().postprocess);
  });
}

template <>
Classifier load<Classifier>(const BundleSource& source, const Options& options) {
  return Loader::load<Classifier>(source, options, "Classifier");
}
template <>
Detector load<Detector>(const BundleSource& source, const Options& options) {
  return Loader::load<Detector>(source, options, "Detector");
}
template <>
TwoStageDetector load<TwoStageDetector>(const BundleSource& source, const Options& options) {
  return Loader::load<TwoStageDetector>(source, options, "TwoStageDetector");
}
template <>
SemanticSegmenter load<SemanticSegmenter>(const BundleSource& source, const Options& options) {
  return Loader::load<SemanticSegmenter>(source, options, "SemanticSegmenter");
}
template <>
Stylizer load<Stylizer>(const BundleSource& source, const Options& options) {
  return Loader::load<Stylizer>(source, options, "Stylizer");
}

}  // namespace edgecv
