// A bundle on disk: its manifest and its files, none of them trusted.
#pragma once

#include <string>
#include <vector>

#include "edgecv/manifest.hpp"

namespace edgecv {

class Bundle {
 public:
  /// Reads folder/bundle.json. Files are checked when they are asked for.
  static Bundle open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const Manifest& manifest() const { return manifest_; }

  /// The graph for a role; throws Error (bad_bundle) naming what there is if none fits.
  const GraphFile& graph(const std::string& role, const std::string& precision,
                         const std::string& dialect) const;

  /// Path of a file named in the manifest, after checking that it stays inside the folder, exists
  /// and has the sha256, and that a graph holds nothing that an engine should not see
  /// (graph_check.hpp).
  std::string verified_path(const std::string& file, const std::string& sha256) const;

  /// The anchors of the postprocessing, xyxy in pixels of the network's input, [A, 4]; empty where
  /// the boxes come finished, or the anchors depend on each picture's size (all methods but ssd).
  std::vector<float> anchors() const;

 private:
  std::string folder_;
  Manifest manifest_;
};

/// Lower-case hex digits of the file's SHA-256.
std::string sha256_of_file(const std::string& path);

}  // namespace edgecv
