#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "bundle/npy.hpp"
#include "bundle/sha256.hpp"
#include "edgecv/bundle/bundle.hpp"
#include "edgecv/error.hpp"
#include "golden.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace fs = std::filesystem;
using edgecv::Bundle;
using edgecv::ErrorCode;
using edgecv::testing::refusal;
using edgecv::testing::TemporaryFolder;

namespace {

/// A copy of a golden bundle that a test may spoil.
class BundleCopy : public TemporaryFolder {
 public:
  explicit BundleCopy(const std::string& name) {
    fs::copy(fs::path(EDGECV_GOLDEN) / name, path(), fs::copy_options::recursive);
  }
  void write(const std::string& file, const std::string& content) const {
    std::ofstream(path() / file, std::ios::binary) << content;
  }
};

std::string verify_main(const std::string& folder) {
  const Bundle bundle = Bundle::open(folder);
  const edgecv::GraphFile& graph = bundle.graph("main", "fp32", "onnx");
  return bundle.verified_path(graph.file, graph.sha256);
}

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + header + data;
}

std::string header_of(const std::string& descr, const std::string& order,
                      const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

std::string bytes(const std::vector<float>& values) {
  std::string data(values.size() * 4, '\0');
  std::memcpy(data.data(), values.data(), data.size());
  return data;
}

}  // namespace

TEST_CASE("the golden bundle opens and its files are verified") {
  const std::string folder = EDGECV_GOLDEN "/bundle_v1";
  const Bundle bundle = Bundle::open(folder);
  CHECK(bundle.folder() == folder);
  CHECK(bundle.manifest().name == "golden");
  CHECK(fs::equivalent(verify_main(folder), folder + "/main.onnx"));
  const edgecv::GraphFile& graph = bundle.graph("main", "fp32", "onnx");
  CHECK(edgecv::sha256_of_file(folder + "/main.onnx") == graph.sha256);
  std::string upper = graph.sha256;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  CHECK(refusal(ErrorCode::bad_bundle, [&] { bundle.verified_path(graph.file, upper); }) == "");
}

TEST_CASE("a folder that is no bundle") {
  const TemporaryFolder empty;
  const std::string folder = empty.path().string();
  CHECK(refusal(ErrorCode::bad_bundle, [&] { Bundle::open(folder + "/nowhere"); }) ==
        folder + "/nowhere does not exist: expected the folder or .zip of a bundle");
  CHECK(refusal(ErrorCode::bad_bundle, [&] { Bundle::open(folder); }) ==
        folder +
            " has no bundle.json, so it is not a bundle: expected a folder that edgecv export "
            "wrote");
  std::ofstream(empty.path() / "bundle.json") << "{\"schema\": 9}";
  CHECK(refusal(ErrorCode::bad_bundle, [&] { Bundle::open(folder); }) ==
        folder + "/bundle.json has schema 9, this edgecv reads up to 3: install a newer edgecv");
  fs::resize_file(empty.path() / "bundle.json", (16 << 20) + 1);
  CHECK(refusal(ErrorCode::bad_bundle, [&] { Bundle::open(folder); }) ==
        folder + "/bundle.json is larger than 16 MB, so no manifest");
}

TEST_CASE("a graph that the bundle does not have") {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v1");
  CHECK(refusal(ErrorCode::bad_bundle, [&] { bundle.graph("main", "fp16", "onnx"); }) ==
        EDGECV_GOLDEN
        "/bundle_v1 has no graph \"main\" in precision \"fp16\", dialect \"onnx\"; "
        "it has main in fp32, onnx");
}

TEST_CASE("the precision that is taken where none is asked for") {
  CHECK(Bundle::open(EDGECV_GOLDEN "/bundle_v1_rcnn").default_precision() == "fp32");
  const BundleCopy copy("bundle_v1_rcnn");
  std::string manifest = read_file(copy.path().string() + "/bundle.json");
  const auto next_graph = [&](const std::string& precision) {
    const std::string fp32 = "\"precision\": \"fp32\"";
    manifest.replace(manifest.find(fp32), fp32.size(), "\"precision\": \"" + precision + "\"");
    copy.write("bundle.json", manifest);
    return Bundle::open(copy.path().string()).default_precision();
  };
  CHECK(next_graph("fp16") == "fp32");  // no precision that all roles have
  CHECK(next_graph("fp16") == "fp32");
  CHECK(next_graph("fp16") == "fp16");
}

TEST_CASE("an altered, cut or missing file") {
  const BundleCopy copy("bundle_v1");
  const std::string folder = copy.path().string();
  const std::string graph = read_file(folder + "/main.onnx");
  const std::string expected = edgecv::sha256_of_file(folder + "/main.onnx");
  std::string altered = graph;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  for (const std::string& content : {altered, graph.substr(0, graph.size() / 2), std::string()}) {
    copy.write("main.onnx", content);
    edgecv::Sha256 hash;
    hash.update(content.data(), content.size());
    CHECK(refusal(ErrorCode::bad_bundle, [&] { verify_main(folder); }) ==
          folder + "/main.onnx differs from bundle.json (sha256 " + hash.hex_digest() +
              ", expected " + expected +
              "): the bundle was altered or its copy is incomplete; export or copy it again");
  }
  fs::remove(copy.path() / "main.onnx");
  const std::string missing =
      folder + "/main.onnx, named in bundle.json, is missing: export or copy the bundle again";
  CHECK(refusal(ErrorCode::bad_bundle, [&] { verify_main(folder); }) == missing);
  fs::create_directory(copy.path() / "main.onnx");
  CHECK(refusal(ErrorCode::bad_bundle, [&] { verify_main(folder); }) == missing);
}

TEST_CASE("links may point within the bundle only") {
  const BundleCopy copy("bundle_v1");
  const TemporaryFolder other;
  const std::string folder = copy.path().string();
  fs::rename(copy.path() / "main.onnx", copy.path() / "stored.onnx");
  fs::create_symlink("stored.onnx", copy.path() / "main.onnx");
  CHECK(refusal(ErrorCode::bad_bundle, [&] { verify_main(folder); }) == "");

  fs::create_directory_symlink(copy.path(), other.path() / "bundle");
  CHECK(refusal(ErrorCode::bad_bundle, [&] { verify_main((other.path() / "bundle").string()); }) ==
        "");

  fs::remove(copy.path() / "main.onnx");
  fs::rename(copy.path() / "stored.onnx", other.path() / "stored.onnx");
  fs::create_symlink(other.path() / "stored.onnx", copy.path() / "main.onnx");
  CHECK(refusal(ErrorCode::bad_bundle, [&] { verify_main(folder); }) ==
        folder + "/main.onnx is a link that leaves the bundle: put the file itself there");
}

TEST_CASE("a file asked for by a path that leaves the bundle") {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v1");
  CHECK(refusal(ErrorCode::bad_bundle, [&] {
          bundle.verified_path("../bundle_v1/main.onnx", std::string(64, '0'));
        }).find("not a plain relative path inside the bundle (the part ..)") != std::string::npos);
}

TEST_CASE("anchors: generated and stored ones agree") {
  const std::vector<float> generated = Bundle::open(EDGECV_GOLDEN "/bundle_v1").anchors();
  const std::vector<float> stored = Bundle::open(EDGECV_GOLDEN "/bundle_v1_anchor_file").anchors();
  REQUIRE(generated.size() == 80);
  REQUIRE(stored.size() == 80);
  for (std::size_t i = 0; i < 80; ++i)
    CHECK(generated[i] == doctest::Approx(stored[i]).epsilon(1e-5));
  // First cell: centre (6, 4), scale 0.4, ratio 1: 6.4 pixels wide and high.
  CHECK(stored[0] == doctest::Approx(2.8));
  CHECK(stored[1] == doctest::Approx(0.8));
  CHECK(stored[2] == doctest::Approx(9.2));
  CHECK(stored[3] == doctest::Approx(7.2));
}

TEST_CASE("stored anchors in pixels, of another count, or altered") {
  const BundleCopy copy("bundle_v1_anchor_file");
  const std::string folder = copy.path().string();
  const std::string manifest = read_file(folder + "/bundle.json");
  const std::vector<float> in_unit_square =
      edgecv::read_npy_boxes(edgecv::HashedFile(folder + "/anchors.npy").bytes(), "anchors.npy");

  copy.write("bundle.json", replaced(manifest, "\"normalized\": true", "\"normalized\": false"));
  CHECK(Bundle::open(folder).anchors() == in_unit_square);

  std::string altered = read_file(folder + "/anchors.npy");
  altered.back() = static_cast<char>(altered.back() ^ 1);
  const std::string digest = edgecv::sha256_of_file(folder + "/anchors.npy");
  copy.write("anchors.npy", altered);
  CHECK(refusal(ErrorCode::bad_bundle, [&] {
          Bundle::open(folder).anchors();
        }).find("anchors.npy differs from bundle.json") != std::string::npos);

  copy.write("anchors.npy",
             npy(header_of("<f4", "False", "(2, 4)"), bytes(std::vector<float>(8, 0.5f))));
  copy.write("bundle.json",
             replaced(manifest, digest, edgecv::sha256_of_file(folder + "/anchors.npy")));
  CHECK(refusal(ErrorCode::bad_bundle, [&] { Bundle::open(folder).anchors(); }) ==
        folder + "/anchors.npy has 2 anchors where the graph gives 20 boxes");
}

TEST_CASE("finished boxes have no anchors") {
  const BundleCopy copy("bundle_v1");
  std::string manifest = read_file(copy.path().string() + "/bundle.json");
  const std::size_t begin = manifest.find("\"anchors\": {");
  const std::size_t end = manifest.find('}', begin) + 1;
  manifest = manifest.substr(0, begin) + "\"anchors\": null" + manifest.substr(end);
  copy.write("bundle.json",
             replaced(manifest, "\"encoding\": \"deltas\"", "\"encoding\": \"xyxy\""));
  CHECK(Bundle::open(copy.path().string()).anchors().empty());
}

TEST_CASE(".npy: what NumPy writes for float32 [N, 4] is read") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "boxes.npy").string();
  const std::vector<float> boxes = {0, 1, 2.5f, -3, 1e-30f, 5, 6, 7};
  for (const char version : {1, 2, 3}) {
    for (const std::string header :
         {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }            \n",
          "{\"shape\": (2, 4,), \"fortran_order\": False, \"descr\": \"<f4\"}"}) {
      std::ofstream(path, std::ios::binary) << npy(header, bytes(boxes), version);
      CHECK(edgecv::read_npy_boxes(edgecv::HashedFile(path).bytes(), path) == boxes);
    }
  }
}

TEST_CASE(".npy: everything else is refused with one line") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "boxes.npy").string();
  const std::string good = header_of("<f4", "False", "(2, 4)");
  const std::string data = bytes(std::vector<float>(8, 1.0f));
  const float infinity = std::numeric_limits<float>::infinity();
  struct Case {
    std::string file, fault;
  };
  const std::vector<Case> cases = {
      {"", "ends too early"},
      {"not a NumPy file", "is not an .npy file"},
      {npy(good, data, 4), "has .npy format 4"},
      {npy(std::string(5000, ' '), data), "has a header of 5000 bytes"},
      {npy(good, data).substr(0, 30), "ends too early"},
      {npy(good, data.substr(1)), "bytes where its header asks for"},
      {npy(good, data + "x"), "bytes where its header asks for"},
      {npy(header_of("<f8", "False", "(2, 4)"), data + data), "has dtype \"<f8\""},
      {npy(header_of(">f4", "False", "(2, 4)"), data), "has dtype \">f4\""},
      {npy(header_of("|O", "False", "(2, 4)"), data), "has dtype \"|O\""},
      {npy(header_of("<f4", "True", "(2, 4)"), data), "is in Fortran order"},
      {npy(header_of("<f4", "False", "(4, 2)"), data), "(2 axes, the last of 2)"},
      {npy(header_of("<f4", "False", "(8,)"), data), "(1 axes, the last of 8)"},
      {npy(header_of("<f4", "False", "()"), data), "(0 axes)"},
      {npy(header_of("<f4", "False", "(0, 4)"), ""), "has 0 boxes"},
      {npy(header_of("<f4", "False", "(10000001, 4)"), data), "has 10000001 boxes"},
      {npy(header_of("<f4", "False", "(4611686018427387904, 4)"), data), "boxes"},
      {npy(header_of("<f4", "False", "(99999999999999999999, 4)"), data), "malformed .npy header"},
      {npy(header_of("<f4", "False", "(-2, 4)"), data), "malformed .npy header"},
      {npy("{'descr': '<f4'", data), "malformed .npy header"},
      {npy("{'descr': '<f4", data), "malformed .npy header"},
      {npy("{'colour': '<f4'}", data), "malformed .npy header"},
      {npy(good + "import os", data), "malformed .npy header"},
      {npy("", data), "malformed .npy header"},
      {npy("{}", data), "has dtype \"\""},
      {npy(good, bytes({1, 2, 3, 4, 5, infinity, 7, 8})), "not finite in box 1"},
  };
  for (const Case& bad : cases) {
    std::ofstream(path, std::ios::binary) << bad.file;
    const std::string message = refusal(ErrorCode::bad_bundle, [&] {
      edgecv::read_npy_boxes(edgecv::HashedFile(path).bytes(), path);
    });
    CAPTURE(bad.fault);
    CHECK(message.find(path + " ") == 0);
    CHECK(message.find(bad.fault) != std::string::npos);
    CHECK(message.find("expected an .npy file of little-endian float32 [N, 4] in C order") !=
          std::string::npos);
  }
}

TEST_CASE("what is read are the bytes that were hashed") {
  const BundleCopy copy("bundle_v1");
  const std::string folder = copy.path().string();
  const Bundle bundle = Bundle::open(folder);
  const edgecv::GraphFile& graph = bundle.graph("main", "fp32", "onnx");
  const edgecv::HashedFile file = bundle.verified_file(graph.file, graph.sha256);
  CHECK(file.name() == folder + "/main.onnx");
  CHECK(file.size() == fs::file_size(copy.path() / "main.onnx"));
  const std::string before = edgecv::sha256_of_file(file.path());
  CHECK(before == graph.sha256);
  file.require_unchanged();

  copy.write("other", "another graph");
  fs::rename(copy.path() / "other", copy.path() / "main.onnx");
#ifdef __linux__
  CHECK(edgecv::sha256_of_file(file.path()) == graph.sha256);  // still the file that was hashed
  file.require_unchanged();
#endif
  const edgecv::HashedFile other(folder + "/main.onnx");
  copy.write("main.onnx", "written into, not replaced");
  CHECK(
      refusal(ErrorCode::bad_bundle, [&] {
        other.require_unchanged();
      }).find("main.onnx was written to while it was loaded: load it again") != std::string::npos);
}

TEST_CASE("a bundle that was replaced is not mixed with the one that was opened") {
  const BundleCopy copy("bundle_v1");
  const std::string folder = copy.path().string();
  const Bundle bundle = Bundle::open(folder);
  CHECK(bundle.is_current());
  const edgecv::GraphFile& graph = bundle.graph("main", "fp32", "onnx");
  copy.write("main.onnx", "another graph");
  const auto verify = [&] { bundle.verified_file(graph.file, graph.sha256); };
  CHECK(refusal(ErrorCode::bad_bundle, verify).find("differs from bundle.json") !=
        std::string::npos);
  copy.write("bundle.json", "{}");
  CHECK(!bundle.is_current());
  CHECK(refusal(ErrorCode::bad_bundle, verify) ==
        folder + " was replaced since it was opened: open it again");
  fs::remove_all(copy.path());
  CHECK(!bundle.is_current());
}
