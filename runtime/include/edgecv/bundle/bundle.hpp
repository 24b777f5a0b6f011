// A bundle: its manifest and its files. None of them is trusted.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");  // a folder or .zip
//   const edgecv::GraphFile& graph = bundle.graph("main", "fp32", "onnx");
//   const edgecv::HashedFile file = bundle.verified_file(graph.file, graph.sha256);
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edgecv/bundle/hashed_file.hpp"
#include "edgecv/bundle/manifest.hpp"
#include "edgecv/bundle/source.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

class EDGECV_API Bundle {
 public:
  /// Reads bundle.json. Files are checked when they are asked for. Throws Error (bad_bundle).
  static Bundle open(const BundleSource& source);
  /// The same over files that are open.
  explicit Bundle(std::shared_ptr<const BundleFiles> files);
  /// Of no use until another one is assigned to it.
  Bundle() = default;

  /// The folder, the .zip, or what files in memory are called.
  const std::string& folder() const { return folder_; }
  const Manifest& manifest() const { return manifest_; }

  /// The graph for a role; throws Error (bad_bundle) naming what there is if none fits.
  const GraphFile& graph(const std::string& role, const std::string& precision,
                         const std::string& dialect) const;

  /// fp32, or where the bundle has no such graphs, the most exact precision that all of its roles
  /// have.
  std::string default_precision() const;

  /// A file named in the manifest, after checking that it stays inside the bundle, exists and has
  /// the sha256, and that a graph holds nothing that an engine should not see (graph_check.hpp). It
  /// is read once and held: the bytes that were hashed are those that an engine reads.
  HashedFile verified_file(const std::string& file, const std::string& sha256) const;

  /// The path of such a file in a folder, for what need not be the bytes that were checked.
  std::string verified_path(const std::string& file, const std::string& sha256) const;

  /// Whether bundle.json is still what was read; another one is of another generation, which has
  /// files of its own.
  bool is_current() const;

  /// The anchors of the postprocessing, xyxy in pixels of the network's input, [A, 4]; empty where
  /// the boxes come finished, or the anchors depend on each image's size (all methods but ssd).
  std::vector<float> anchors() const;

 private:
  const BundleFiles& opened() const;
  std::shared_ptr<const BundleFiles> files_;
  std::string folder_, manifest_sha256_;
  Manifest manifest_;
};

/// Lower-case hex digits of the file's SHA-256.
EDGECV_API std::string sha256_of_file(const std::string& path);

}  // namespace edgecv
