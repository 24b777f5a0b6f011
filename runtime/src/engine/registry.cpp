#include "edgecv/engine/registry.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

constexpr const char* kPreferred[] = {"onnxruntime", "openvino"};

struct Registry {
  std::mutex mutex;
  std::vector<EngineKind> kinds;
};

/// Made when the first engine registers, which may be before main().
Registry& registry() {
  static Registry* const made =
      new Registry;  // engines of other libraries may outlive a static one
  return *made;
}

std::ptrdiff_t rank(const EngineKind& kind) {
  return std::find(std::begin(kPreferred), std::end(kPreferred), kind.name) -
         std::begin(kPreferred);
}

}  // namespace

void register_engine(EngineKind kind) {
  if (kind.name.empty() || !kind.offers || !kind.open) {
    throw Error(ErrorCode::invalid_input,
                "engine \"" + kind.name + "\": expected a kind with a name, `offers` and `open`");
  }
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto same = std::find_if(all.kinds.begin(), all.kinds.end(),
                                 [&](const EngineKind& one) { return one.name == kind.name; });
  if (same != all.kinds.end()) {
    *same = std::move(kind);
    return;
  }
  const auto place =
      std::upper_bound(all.kinds.begin(), all.kinds.end(), kind,
                       [](const auto& a, const auto& b) { return rank(a) < rank(b); });
  all.kinds.insert(place, std::move(kind));
}

std::vector<EngineKind> registered_engines() {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return all.kinds;
}

}  // namespace edgecv
