#include <algorithm>
#include <utility>

#include "bundle/bundle_error.hpp"
#include "edgecv/error.hpp"
#include "edgecv/load/choice.hpp"

namespace edgecv {
namespace {

/// "cuda" for "cuda:1".
std::string without_index(const std::string& device) { return device.substr(0, device.find(':')); }

bool is_for(const EngineOffer& offer, const std::string& device) {
  const auto& devices = offer.devices;
  return device.empty() || devices.empty() ||
         std::find(devices.begin(), devices.end(), without_index(device)) != devices.end();
}

bool has_graphs(const Bundle& bundle, const std::string& precision) {
  const auto& graphs = bundle.manifest().graphs;
  return std::all_of(graphs.begin(), graphs.end(), [&](const auto& role) {
    return std::any_of(role.second.begin(), role.second.end(),
                       [&](const GraphFile& file) { return file.precision == precision; });
  });
}

std::string title(const EngineOffer& offer) {
  return offer.device.empty() ? offer.engine : offer.engine + " on " + offer.device;
}

Choice from_own_files(const Bundle& bundle, const EngineRequest& asked, const EngineOffer& offer) {
  EngineFiles found = offer.find_files(bundle, asked);
  return {offer.engine, asked.device, std::move(found.precision), std::move(found.files), {}};
}

Choice from_graphs(const Bundle& bundle, const EngineRequest& asked, const EngineOffer& offer) {
  Choice choice;
  choice.engine = offer.engine;
  choice.device = asked.device.empty() ? offer.device : asked.device;
  choice.precision = asked.precision.empty() ? bundle.default_precision() : asked.precision;
  const auto computed = offer.computes.find(choice.precision);
  const std::string stored = computed == offer.computes.end() ? choice.precision : computed->second;
  for (const auto& [role, files] : bundle.manifest().graphs) {
    const GraphFile& graph = bundle.graph(role, stored, "onnx");
    choice.files.emplace(role, bundle.verified_file(graph.file, graph.sha256));
  }
  return choice;
}

Choice named(const Bundle& bundle, const EngineRequest& asked,
             const std::vector<EngineOffer>& offers) {
  const EngineOffer* offer = nullptr;
  std::vector<std::string> names;
  for (const EngineOffer& each : offers) {
    if (names.empty() || names.back() != each.engine) names.push_back(each.engine);
    if (each.engine != asked.engine) continue;
    // A name alone means the engine's default device.
    if (offer == nullptr || (each.device.empty() && !offer->device.empty())) offer = &each;
  }
  if (offer == nullptr) {
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::engine,
                "engine " + quoted(asked.engine) + " is not known: expected one of " + known);
  }
  return offer->find_files ? from_own_files(bundle, asked, *offer)
                           : from_graphs(bundle, asked, *offer);
}

/// Goes through the offers, and remembers those that were not taken.
class Search {
 public:
  Search(const Bundle& bundle, const EngineRequest& asked, const std::vector<EngineOffer>& offers)
      : bundle_(bundle), asked_(asked) {
    const bool some_compute = std::any_of(offers.begin(), offers.end(), [&](const auto& offer) {
      return offer.computes.count(asked.precision) > 0;
    });
    must_compute_ = some_compute && !has_graphs(bundle, asked.precision);
  }

  /// Whether the offer was taken.
  bool take(const EngineOffer& offer) {
    if (!is_for(offer, asked_.device)) return false;
    const bool computes = offer.computes.count(asked_.precision) > 0;
    if (!offer.find_files && must_compute_ && !computes) return false;
    const std::string reason = offer.why_not ? offer.why_not() : "";
    if (!reason.empty()) {
      pass_over(offer, reason);
      return false;
    }
    if (!offer.find_files) {
      result_ = from_graphs(bundle_, asked_, offer);
      return true;
    }
    try {
      result_ = from_own_files(bundle_, asked_, offer);
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::engine && error.code() != ErrorCode::bad_bundle) throw;
      pass_over(offer, error.what());
      return false;
    }
  }

  Choice result() {
    result_.passed_over = std::move(passed_over_);
    return std::move(result_);
  }

 private:
  /// One that is not there is so on every device: that is said once.
  void pass_over(const EngineOffer& offer, const std::string& reason) {
    if (offer.engine == last_engine_ && reason == passed_over_.back().second) return;
    last_engine_ = offer.engine;
    passed_over_.emplace_back(title(offer), reason);
  }

  const Bundle& bundle_;
  const EngineRequest& asked_;
  bool must_compute_;
  Choice result_;
  std::string last_engine_;
  std::vector<std::pair<std::string, std::string>> passed_over_;
};

}  // namespace

Choice choose(const Bundle& bundle, const EngineRequest& asked,
              const std::vector<EngineOffer>& offers) {
  if (!asked.engine.empty()) return named(bundle, asked, offers);
  Search search(bundle, asked, offers);
  std::any_of(offers.begin(), offers.end(), [&](const auto& offer) { return search.take(offer); });
  return search.result();
}

}  // namespace edgecv
