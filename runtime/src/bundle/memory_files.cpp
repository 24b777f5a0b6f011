#include <string>
#include <utility>

#include "bundle/bundle_files.hpp"
#include "edgecv/error.hpp"

namespace edgecv {
namespace {

class InMemory : public BundleFiles {
 public:
  InMemory(MemoryFiles files, const std::string& name)
      : BundleFiles(name), files_(std::move(files)) {
    for (const auto& [file, bytes] : files_) {
      if (bytes.data != nullptr || bytes.size == 0) continue;
      throw Error(ErrorCode::invalid_input,
                  shown(file) + ": " + std::to_string(bytes.size) + " bytes at a null pointer");
    }
  }

  std::string manifest() const override {
    const auto found = files_.find("bundle.json");
    if (found == files_.end()) {
      throw Error(ErrorCode::bad_bundle,
                  name() +
                      " has no bundle.json, so it is not a bundle: expected the files of one, "
                      "by their names in it");
    }
    check_manifest_size(found->second.size);
    return {static_cast<const char*>(found->second.data), found->second.size};
  }

  HashedFile open(const std::string& file, Bytes* content) const override {
    const auto found = files_.find(file);
    if (found == files_.end()) missing(file);
    if (content) *content = found->second;
    return HashedFile::in_memory(shown(file), found->second);
  }

 private:
  MemoryFiles files_;
};

}  // namespace

std::shared_ptr<const BundleFiles> memory_files(MemoryFiles files, const std::string& name) {
  return std::make_shared<InMemory>(std::move(files), name);
}

}  // namespace edgecv
