#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "bundle/bundle_files.hpp"
#include "bundle/utf8_path.hpp"
#include "edgecv/error.hpp"

namespace edgecv {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

/// Both resolved, `path` lies in `folder`.
bool inside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

class FolderFiles : public BundleFiles {
 public:
  using BundleFiles::BundleFiles;

  std::string manifest() const override {
    const fs::path path = utf8_path(name()) / "bundle.json";
    std::error_code error;
    if (!fs::is_directory(utf8_path(name()), error)) {
      fail(name() + " is not a folder: expected a bundle, as edgecv export writes it");
    }
    if (!fs::is_regular_file(path, error)) {
      fail(name() +
           " has no bundle.json, so it is not a bundle: expected a folder that edgecv export "
           "wrote");
    }
    const std::uintmax_t size = fs::file_size(path, error);
    if (!error) check_manifest_size(size);
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (error || !file) fail(shown("bundle.json") + " cannot be read");
    return text;
  }

  HashedFile open(const std::string& file, Bytes* content) const override {
    const fs::path path = utf8_path(name()) / utf8_path(file);
    std::error_code error;
    if (!fs::is_regular_file(path, error)) missing(file);
    const fs::path root = fs::weakly_canonical(utf8_path(name()), error);
    const fs::path resolved = error ? fs::path() : fs::weakly_canonical(path, error);
    if (error || !inside(resolved, root)) {
      fail(shown(file) + " is a link that leaves the bundle: put the file itself there");
    }
    if (content) check_graph_size(file, fs::file_size(path, error));
    return content ? HashedFile(shown(file), *content) : HashedFile(shown(file));
  }
};

}  // namespace

std::shared_ptr<const BundleFiles> folder_files(const std::string& folder) {
  return std::make_shared<FolderFiles>(folder);
}

}  // namespace edgecv
