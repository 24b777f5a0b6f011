// Optimized graphs on disk: optimizing one takes longer than reading it.
#pragma once

#include <optional>
#include <string>

#include "onnxruntime/session.hpp"

namespace edgecv::onnxruntime {

/// The entry of one graph in OnnxRuntimeOptions::cache_dir. ONNX Runtime chooses some forms for the
/// processor at hand, so an entry is for one processor, version, provider and its options.
class GraphCache {
 public:
  /// Throws Error (engine) where the folder cannot be made.
  GraphCache(const Library& library, const Provider& provider, const HashedFile& graph,
             const OnnxRuntimeOptions& options);
  /// Removes what was written and not kept.
  ~GraphCache();
  GraphCache(const GraphCache&) = delete;
  GraphCache& operator=(const GraphCache&) = delete;

  /// Whether there is a folder, and the provider gives graphs that can be kept.
  bool use() const { return !file_.empty(); }
  /// The file of an earlier session.
  std::optional<std::string> kept() const;

  /// Where ONNX Runtime is to write; keep() gives it its name.
  const std::string& new_file() const { return new_file_; }
  void keep();

 private:
  std::string file_, new_file_;
};

}  // namespace edgecv::onnxruntime
