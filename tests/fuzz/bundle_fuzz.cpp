// Any bytes as the .zip of a bundle, or as one of its files in memory: a bundle whose graphs are
// read, or one clear line. With clang: clang++ -DEDGECV_FUZZER
// -fsanitize=fuzzer,address,undefined.
// tests/cpp/bundle/test_bundle_fuzz.cpp drives it with a fixed set of inputs under any compiler.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/error.hpp"

/// Whether all files of the bundle can be read; aborts where the reader breaks its promises.
bool is_bundle(const edgecv::BundleSource& source) {
  try {
    const edgecv::Bundle bundle = edgecv::Bundle::open(source);
    for (const auto& [role, graphs] : bundle.manifest().graphs) {
      for (const edgecv::GraphFile& graph : graphs) {
        const edgecv::HashedFile file = bundle.verified_file(graph.file, graph.sha256);
        if (file.bytes().size != file.size()) std::abort();
      }
    }
    bundle.anchors();
    if (!bundle.is_current()) std::abort();
    return true;
  } catch (const edgecv::Error& error) {
    const std::string message = error.what();
    const bool one_line = !message.empty() && message.find_first_of("\r\n") == std::string::npos;
    if (!one_line || error.code() != edgecv::ErrorCode::bad_bundle) std::abort();
    return false;
  }
}

/// As the file `zip`, which is written.
bool is_zip_of_bundle(const std::string& bytes, const std::filesystem::path& zip) {
  std::ofstream(zip, std::ios::binary | std::ios::trunc) << bytes;
  return is_bundle(zip);
}

/// The first two bytes say where bundle.json ends and the next file, main.onnx, begins.
bool is_bundle_in_memory(const std::string& bytes) {
  if (bytes.size() < 2) return false;
  const auto byte = [&](std::size_t at) {
    return std::size_t{static_cast<unsigned char>(bytes[at])};
  };
  const std::size_t rest = bytes.size() - 2, end = std::min(byte(0) << 8 | byte(1), rest);
  edgecv::MemoryFiles files;
  files["bundle.json"] = edgecv::Bytes{bytes.data() + 2, end};
  files["main.onnx"] = edgecv::Bytes{bytes.data() + 2 + end, rest - end};
  return is_bundle({files, "memory"});
}

#ifdef EDGECV_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static const std::filesystem::path zip =
      std::filesystem::temp_directory_path() / ("edgecv-fuzz-" + std::to_string(getpid()) + ".zip");
  is_zip_of_bundle(bytes, zip);
  is_bundle_in_memory(bytes);
  return 0;
}
#endif
