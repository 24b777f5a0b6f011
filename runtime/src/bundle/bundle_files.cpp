#include "bundle/bundle_files.hpp"

#include "bundle/graph_size.hpp"
#include "edgecv/error.hpp"

namespace edgecv {

void BundleFiles::missing(const std::string& file) const {
  throw Error(ErrorCode::bad_bundle, shown(file) +
                                         ", named in bundle.json, is missing: export or copy the "
                                         "bundle again");
}

void BundleFiles::check_manifest_size(std::uint64_t size) const {
  if (size <= kMaxManifest) return;
  throw Error(ErrorCode::bad_bundle, shown("bundle.json") + " is larger than " +
                                         std::to_string(kMaxManifest >> 20) +
                                         " MB, so no manifest");
}

void BundleFiles::check_graph_size(const std::string& file, std::uint64_t size) const {
  if (size >= kMaxGraphBytes) refuse_graph_size(shown(file), size);
}

}  // namespace edgecv
