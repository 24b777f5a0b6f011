#include "edgecv/bundle/source.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/error.hpp"
#include "golden.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace fs = std::filesystem;
using namespace edgecv;
using edgecv::testing::refusal;
using edgecv::testing::TemporaryFolder;

namespace {

const std::string kZips = EDGECV_GOLDEN "/zips/";

/// The golden bundle in memory that the test owns.
struct Content {
  std::string manifest = golden_manifest();
  std::string graph = read_file(EDGECV_GOLDEN "/bundle_v1/main.onnx");

  MemoryFiles files() const {
    MemoryFiles files;
    files["bundle.json"] = Bytes{manifest.data(), manifest.size()};
    files["main.onnx"] = Bytes{graph.data(), graph.size()};
    return files;
  }
};

HashedFile main_graph(const Bundle& bundle) {
  const GraphFile& graph = bundle.graph("main", "fp32", "onnx");
  return bundle.verified_file(graph.file, graph.sha256);
}

std::string said(const BundleSource& source, ErrorCode code = ErrorCode::bad_bundle) {
  return refusal(code, [&] { main_graph(Bundle::open(source)); });
}

std::string text(const Bytes& bytes) { return {static_cast<const char*>(bytes.data), bytes.size}; }

}  // namespace

TEST_CASE("zips open or say what is wrong, as in Python") {
  std::ifstream expected(kZips + "expected.tsv");
  const Content content;
  int count = 0;
  for (std::string line; std::getline(expected, line); ++count) {
    const std::size_t tab = line.find('\t');
    const std::string zip = kZips + line.substr(0, tab);
    std::string error = line.substr(tab + 1);
    if (!error.empty()) error = zip + error.substr(3);  // it begins with ZIP
    CAPTURE(zip);
    CHECK(said(zip) == error);
    if (!error.empty()) continue;
    const Bundle bundle = Bundle::open(zip);
    CHECK(bundle.manifest().name == "golden");
    CHECK(bundle.folder() == zip);
    CHECK(bundle.is_current());
    const HashedFile file = main_graph(bundle);
    CHECK(file.name() == zip + "/main.onnx");
    CHECK(file.path() == "");
    CHECK(text(file.bytes()) == content.graph);
    file.require_unchanged();
  }
  CHECK(count == 26);
}

TEST_CASE("a zip that is replaced while it is open stays what it was") {
  const TemporaryFolder folder;
  const std::string zip = (folder.path() / "street.zip").string();
  fs::copy(kZips + "deflated.zip", zip);
  const Bundle bundle = Bundle::open(zip);
  fs::copy(kZips + "without_a_manifest.zip", zip + ".new");
  fs::rename(zip + ".new", zip);
#ifdef __linux__
  CHECK(text(main_graph(bundle).bytes()) == Content().graph);
#endif
  CHECK(!bundle.is_current());
  fs::remove(zip);
  CHECK(!bundle.is_current());
}

TEST_CASE("a zip that was written into says so") {
  const TemporaryFolder folder;
  const std::string zip = (folder.path() / "street.zip").string();
  fs::copy(kZips + "deflated.zip", zip);
  const Bundle bundle = Bundle::open(zip);
  fs::copy(kZips + "with_a_comment.zip", zip, fs::copy_options::overwrite_existing);
  CHECK(text(main_graph(bundle).bytes()) == Content().graph);  // the same files at the same places
  fs::copy(kZips + "without_a_manifest.zip", zip, fs::copy_options::overwrite_existing);
  CHECK(refusal(ErrorCode::bad_bundle, [&] { main_graph(bundle); }) ==
        zip + " was replaced since it was opened: open it again");
}

TEST_CASE("files in memory are neither copied nor read twice") {
  const Content content;
  const auto owner = std::make_shared<std::string>(content.graph);
  MemoryFiles files = content.files();
  files["main.onnx"] = Bytes{owner->data(), owner->size(), owner};
  const Bundle bundle = Bundle::open(std::move(files));
  CHECK(bundle.folder() == "memory");
  CHECK(bundle.is_current());
  const HashedFile file = main_graph(bundle);
  CHECK(file.bytes().data == owner->data());
  CHECK(file.bytes().size == owner->size());
  CHECK(file.bytes().owner == owner);
  CHECK(file.size() == owner->size());
  CHECK(file.sha256() == sha256_of_file(EDGECV_GOLDEN "/bundle_v1/main.onnx"));
  CHECK(file.name() == "memory/main.onnx");
  CHECK(refusal(ErrorCode::bad_bundle, [&] { bundle.verified_path("main.onnx", file.sha256()); }) ==
        "memory/main.onnx has no path: it is in memory");
}

TEST_CASE("files in memory that are no bundle") {
  const Content content;
  MemoryFiles files = content.files();
  files.erase("main.onnx");
  CHECK(said({files, "assets"}) ==
        "assets/main.onnx, named in bundle.json, is missing: export or copy the bundle again");
  files.erase("bundle.json");
  CHECK(said({files, "assets"}) ==
        "assets has no bundle.json, so it is not a bundle: expected the files of one, by their "
        "names in it");
  files["bundle.json"] = Bytes{nullptr, 3};
  CHECK(said({files, "assets"}, ErrorCode::invalid_input) ==
        "assets/bundle.json: 3 bytes at a null pointer");
  files["bundle.json"] = Bytes{};
  CHECK(said({files, "assets"}).find("assets/bundle.json") == 0);
  files = content.files();
  files["main.onnx"].size -= 1;
  CHECK(said({files, "assets"}).find("assets/main.onnx differs from bundle.json (sha256 ") == 0);
}

TEST_CASE("anchors are read from memory as well") {
  const std::string folder = EDGECV_GOLDEN "/bundle_v1_anchor_file/";
  MemoryFiles files;
  std::map<std::string, std::string> content;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    content[name] = read_file(entry.path().string());
    files[name] = Bytes{content[name].data(), content[name].size()};
  }
  CHECK(Bundle::open(files).anchors() == Bundle::open(folder).anchors());
}

TEST_CASE("paths that hold no bundle, in the words of Python") {
  const TemporaryFolder temporary;
  const std::string folder = temporary.path().string() + "/";
  CHECK(said(folder + "nowhere") ==
        folder + "nowhere does not exist: expected the folder or .zip of a bundle");
  CHECK(said(std::string("a\0b", 3)) == "'a\\x00b': is not a path: it holds a zero byte");
  const std::vector<std::pair<std::string, std::string>> files = {
      {"net.pt", " is a checkpoint, not a bundle: edgecv export FILE --out net makes one"},
      {"net.CKPT", " is a checkpoint, not a bundle: edgecv export FILE --out net makes one"},
      {"net.onnx", " is an ONNX file, not a bundle: edgecv wrap FILE --inspect begins to make one"},
      {"net.safetensors",
       " has weights only, not a bundle: edgecv export ARCHITECTURE --weights FILE --out net "
       "makes one"},
      {"net.txt", " is not a bundle: expected a folder with bundle.json, or a .zip of one"},
  };
  for (const auto& [name, error] : files) {
    const std::string path = folder + name;
    std::ofstream(path) << "something";
    const std::size_t at = error.find("FILE");
    const std::string named =
        at == std::string::npos ? error : error.substr(0, at) + path + error.substr(at + 4);
    CHECK(said(path) == path + named);
  }
#ifdef __linux__
  fs::create_symlink("/dev/zero", folder + "device.zip");
  CHECK(said(folder + "device.zip", ErrorCode::invalid_input) ==
        folder + "device.zip: is a device, a file was expected: v4l2:///dev/videoN reads a camera");
#endif
}

TEST_CASE("a path may be given in any of three forms") {
  const std::string folder = EDGECV_GOLDEN "/bundle_v1";
  CHECK(Bundle::open(folder.c_str()).manifest().name == "golden");
  CHECK(Bundle::open(folder).manifest().name == "golden");
  CHECK(Bundle::open(fs::path(folder)).manifest().name == "golden");
}

TEST_CASE("a Bundle that was not opened says so") {
  const Bundle bundle;
  CHECK(!bundle.is_current());
  CHECK(refusal(ErrorCode::invalid_input, [&] {
          bundle.verified_file("main.onnx", std::string(64, '0'));
        }) == "this Bundle was not opened: Bundle::open() makes one");
}
