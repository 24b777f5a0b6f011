// Where a bundle is: a folder, a .zip of one, or files in memory.
//
//   edgecv::Bundle::open("street");      // a folder
//   edgecv::Bundle::open("street.zip");  // read where it lies, nothing is unpacked to a disk
//
//   edgecv::MemoryFiles files;  // such as assets of Android, or what was decrypted
//   files["bundle.json"] = edgecv::Bytes{"{}", 2};
//   files["main.onnx"] = edgecv::Bytes{"...", 3};
//   edgecv::Bundle::open(files);  // Error: the manifest is empty
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "edgecv/bundle/bytes.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

class BundleFiles;

/// The files of a bundle by their names in it: "bundle.json", and those that it names.
using MemoryFiles = std::map<std::string, Bytes>;

/// What load() and Bundle::open() take.
class EDGECV_API BundleSource {
 public:
  /// The path, in UTF-8, of a folder or a .zip. A zip holds the bundle at its top or in one folder,
  /// unpacks to at most 8 GB, and names no path outside itself. Reading it needs zlib: without it
  /// at build time, opening it throws Error (bad_bundle).
  BundleSource(const char* path) : name_(path) {}
  BundleSource(std::string path) : name_(std::move(path)) {}
  BundleSource(const std::filesystem::path& path) {
    const auto utf8 = path.u8string();  // of char8_t from C++20 on
    name_.assign(utf8.begin(), utf8.end());
  }
  /// Files in memory; `name` is what messages call the bundle.
  BundleSource(MemoryFiles files, std::string name = "memory")
      : name_(std::move(name)), memory_(std::move(files)) {}

  const std::string& name() const { return name_; }

  /// Throws Error (bad_bundle, invalid_input) where there is no bundle.
  std::shared_ptr<const BundleFiles> open() const;

 private:
  std::string name_;
  std::optional<MemoryFiles> memory_;
};

}  // namespace edgecv
