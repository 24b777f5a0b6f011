// The files of a bundle, wherever they are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "edgecv/bundle/hashed_file.hpp"
#include "edgecv/bundle/source.hpp"

namespace edgecv {

constexpr std::uint64_t kMaxManifest = 16u << 20;  // bytes

/// One thread or several may ask.
class BundleFiles {
 public:
  explicit BundleFiles(std::string name) : name_(std::move(name)) {}
  virtual ~BundleFiles() = default;

  /// What messages call the bundle.
  const std::string& name() const { return name_; }
  /// What they call a file of it.
  std::string shown(const std::string& file) const { return name_ + "/" + file; }

  /// The text of bundle.json. Throws Error (bad_bundle).
  virtual std::string manifest() const = 0;
  /// The same, of what is now where the bundle was opened.
  virtual std::string current_manifest() const { return manifest(); }

  /// A file, by its plain relative path, hashed. Throws Error (bad_bundle) if it is not there or
  /// leads out of the bundle. `content`: where to put what was read of a graph; null for other
  /// files.
  virtual HashedFile open(const std::string& file, Bytes* content) const = 0;

 protected:
  [[noreturn]] void missing(const std::string& file) const;
  void check_manifest_size(std::uint64_t size) const;
  /// Before it is read; check_graph() says the same afterwards.
  void check_graph_size(const std::string& file, std::uint64_t size) const;

 private:
  std::string name_;
};

// Exported for the bindings.
EDGECV_API std::shared_ptr<const BundleFiles> folder_files(const std::string& folder);
std::shared_ptr<const BundleFiles> memory_files(MemoryFiles files, const std::string& name);
/// Null if the file is no zip at all. Throws Error (bad_bundle) if it is damaged or not trusted.
std::shared_ptr<const BundleFiles> zip_files(const std::string& path);

}  // namespace edgecv
