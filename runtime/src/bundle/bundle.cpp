#include "edgecv/bundle/bundle.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "bundle/bundle_error.hpp"
#include "bundle/bundle_files.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/npy.hpp"
#include "bundle/sha256.hpp"
#include "bundle/utf8_path.hpp"
#include "edgecv/bundle/graph_check.hpp"

namespace edgecv {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string sha256_of(const std::string& text) {
  Sha256 hash;
  hash.update(text.data(), text.size());
  return hash.hex_digest();
}

}  // namespace

Bundle::Bundle(std::shared_ptr<const BundleFiles> files)
    : files_(std::move(files)), folder_(files_->name()) {
  const std::string text = files_->manifest();
  manifest_sha256_ = sha256_of(text);
  try {
    manifest_ = Manifest::from_json(text);
  } catch (const Error& error) {
    throw Error(error.code(), folder_ + "/" + error.what());  // it begins with bundle.json
  }
}

const GraphFile& Bundle::graph(const std::string& role, const std::string& precision,
                               const std::string& dialect) const {
  std::string present;
  for (const auto& [name, files] : manifest_.graphs) {
    for (const GraphFile& file : files) {
      if (name == role && file.precision == precision && file.dialect == dialect) return file;
      present +=
          (present.empty() ? "" : "; ") + name + " in " + file.precision + ", " + file.dialect;
    }
  }
  fail(folder_ + " has no graph " + quoted(role) + " in precision " + quoted(precision) +
       ", dialect " + quoted(dialect) + "; it has " + present);
}

std::string Bundle::default_precision() const {
  for (const char* precision : {"fp32", "fp16", "bf16", "int8"}) {
    const auto has = [&](const auto& role) {
      return std::any_of(role.second.begin(), role.second.end(),
                         [&](const GraphFile& file) { return file.precision == precision; });
    };
    if (std::all_of(manifest_.graphs.begin(), manifest_.graphs.end(), has)) return precision;
  }
  return "fp32";  // the error that follows lists what there is
}

HashedFile Bundle::verified_file(const std::string& file, const std::string& sha256) const {
  check_file_name("file", file);
  const BundleFiles& files = opened();
  const std::string shown = files.shown(file);
  bool is_graph = false;
  for (const auto& [role, graphs] : manifest_.graphs) {
    for (const GraphFile& graph : graphs) is_graph = is_graph || graph.file == file;
  }
  if (is_graph && utf8_path(file).extension() != ".onnx") {
    fail(shown + ": expected the name of a graph to end in .onnx");
  }
  try {
    Bytes content;
    const HashedFile hashed = files.open(file, is_graph ? &content : nullptr);
    if (hashed.sha256() != lower_case(sha256)) {
      fail(shown + " differs from bundle.json (sha256 " + hashed.sha256() + ", expected " +
           lower_case(sha256) +
           "): the bundle was altered or its copy is incomplete; export or copy it again");
    }
    if (is_graph) check_graph(content.data, content.size, shown);
    return hashed;
  } catch (const Error&) {
    if (!is_current()) fail(folder_ + " was replaced since it was opened: open it again");
    throw;
  }
}

std::string Bundle::verified_path(const std::string& file, const std::string& sha256) const {
  const HashedFile verified = verified_file(file, sha256);
  if (verified.path().empty()) fail(verified.name() + " has no path: it is in memory");
  return verified.name();
}

bool Bundle::is_current() const {
  try {
    return sha256_of(opened().current_manifest()) == manifest_sha256_;
  } catch (const Error&) {
    return false;
  }
}

const BundleFiles& Bundle::opened() const {
  if (!files_) {
    throw Error(ErrorCode::invalid_input, "this Bundle was not opened: Bundle::open() makes one");
  }
  return *files_;
}

std::vector<float> Bundle::anchors() const {
  const auto* spec = std::get_if<SsdSpec>(&manifest_.postprocess);
  if (spec == nullptr) return {};
  const auto& anchors = spec->anchors;
  if (std::holds_alternative<std::monostate>(anchors)) return {};
  const Size input = network_input_size(manifest_).value_or(Size{});  // there where it is needed
  if (const auto* boxes = std::get_if<DefaultBoxes>(&anchors))
    return generate_anchors(*boxes, input);
  if (const auto* prior = std::get_if<MultiboxPrior>(&anchors)) {
    return generate_anchors(*prior, input);
  }
  const auto& stored = std::get<AnchorFile>(anchors);
  const HashedFile file = verified_file(stored.file, stored.sha256);
  if (file.size() > kMaxNpyFile) {
    fail(file.name() + " has " + std::to_string(file.size()) + " bytes, " +
         std::to_string(kMaxNpyFile) + " at most are expected of anchors");
  }
  std::vector<float> boxes = read_npy_boxes(file.bytes(), file.name());
  const auto count = static_cast<std::int64_t>(boxes.size() / 4);
  const std::int64_t expected = box_count(manifest_, *spec).value_or(count);
  if (count != expected) {
    fail(folder_ + "/" + stored.file + " has " + std::to_string(count) +
         " anchors where the graph gives " + std::to_string(expected) + " boxes");
  }
  if (stored.normalized) {
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      boxes[i] *= static_cast<float>(i % 2 == 0 ? input.width : input.height);
    }
  }
  return boxes;
}

std::string sha256_of_file(const std::string& path) { return HashedFile(path).sha256(); }

}  // namespace edgecv
