#include "edgecv/bundle/bundle.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bundle/bundle_error.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/npy.hpp"
#include "bundle/sha256.hpp"
#include "edgecv/bundle/graph_check.hpp"

namespace edgecv {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxManifest = 16u << 20;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string read_manifest(const std::string& folder) {
  const fs::path path = fs::u8path(folder) / "bundle.json";
  std::error_code error;
  if (!fs::is_directory(fs::u8path(folder), error)) {
    fail(folder + " is not a folder: expected a bundle, as edgecv export writes it");
  }
  if (!fs::is_regular_file(path, error)) {
    fail(folder +
         " has no bundle.json, so it is not a bundle: expected a folder that edgecv export wrote");
  }
  const std::uintmax_t size = fs::file_size(path, error);
  if (!error && size > kMaxManifest) {
    fail(folder + "/bundle.json is larger than " + std::to_string(kMaxManifest >> 20) +
         " MB, so no manifest");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (error || !file) fail(folder + "/bundle.json cannot be read");
  return text;
}

std::string read_graph(const fs::path& path, const std::string& shown) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (!error && size >= std::uintmax_t{1} << 31) {
    fail(shown + ": " + std::to_string(size) + " bytes, expected an ONNX file below 2 GB");
  }
  std::string content(error ? 0 : static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (error || !file.read(content.data(), static_cast<std::streamsize>(size))) {
    fail(shown + " cannot be read to its end");
  }
  return content;
}

std::string sha256_of(const std::string& text) {
  Sha256 hash;
  hash.update(text.data(), text.size());
  return hash.hex_digest();
}

/// Both resolved, `path` lies in `folder`.
bool inside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

Bundle Bundle::open(const std::string& folder) {
  Bundle bundle;
  bundle.folder_ = folder;
  const std::string text = read_manifest(folder);
  bundle.manifest_sha256_ = sha256_of(text);
  try {
    bundle.manifest_ = Manifest::from_json(text);
  } catch (const Error& error) {
    throw Error(error.code(), folder + "/" + error.what());  // it begins with bundle.json
  }
  return bundle;
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
  const fs::path path = fs::u8path(folder_) / fs::u8path(file);
  const std::string shown = folder_ + "/" + file;
  std::error_code error;
  const auto refuse = [&](const std::string& fault) {
    if (!is_current()) fail(folder_ + " was replaced since it was opened: open it again");
    fail(fault);
  };
  if (!fs::is_regular_file(path, error)) {
    refuse(shown + ", named in bundle.json, is missing: export or copy the bundle again");
  }
  const fs::path root = fs::weakly_canonical(fs::u8path(folder_), error);
  const fs::path resolved = error ? fs::path() : fs::weakly_canonical(path, error);
  if (error || !inside(resolved, root)) {
    refuse(shown + " is a link that leaves the bundle: put the file itself there");
  }
  bool is_graph = false;
  for (const auto& [role, graphs] : manifest_.graphs) {
    for (const GraphFile& graph : graphs) is_graph = is_graph || graph.file == file;
  }
  if (is_graph && path.extension() != ".onnx") {
    fail(shown + ": expected the name of a graph to end in .onnx");
  }
  const HashedFile opened(shown);
  if (opened.sha256() != lower_case(sha256)) {
    refuse(shown + " differs from bundle.json (sha256 " + opened.sha256() + ", expected " +
           lower_case(sha256) +
           "): the bundle was altered or its copy is incomplete; export or copy it again");
  }
  if (is_graph) {
    const std::string content = read_graph(fs::u8path(opened.path()), shown);
    check_graph(content.data(), content.size(), shown);
  }
  return opened;
}

std::string Bundle::verified_path(const std::string& file, const std::string& sha256) const {
  return verified_file(file, sha256).name();
}

bool Bundle::is_current() const {
  try {
    return sha256_of(read_manifest(folder_)) == manifest_sha256_;
  } catch (const Error&) {
    return false;
  }
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
  const HashedFile opened = verified_file(stored.file, stored.sha256);
  std::vector<float> boxes = read_npy_boxes(opened.path(), opened.name());
  opened.require_unchanged();
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
