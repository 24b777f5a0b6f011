// Any bytes as bundle.json: a manifest that survives writing and reading, or one clear line. With
// clang: clang++ -DEDGECV_FUZZER
// -fsanitize=fuzzer,address,undefined. tests/cpp/bundle/test_manifest_fuzz.cpp
// drives it with a fixed set of inputs under any compiler.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "edgecv/bundle/manifest.hpp"
#include "edgecv/error.hpp"

/// Whether the text is a manifest; aborts where the reader or the writer breaks its promises.
bool is_manifest(const std::string& text) {
  using edgecv::Error;
  using edgecv::Manifest;
  std::string written;
  try {
    written = Manifest::from_json(text).to_json();
  } catch (const Error& error) {
    const std::string message = error.what();
    const bool one_line = !message.empty() && message.find_first_of("\r\n") == std::string::npos;
    if (!one_line || error.code() != edgecv::ErrorCode::bad_bundle) std::abort();
    return false;
  }
  if (Manifest::from_json(written).to_json() != written) std::abort();
  return true;
}

#ifdef EDGECV_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  is_manifest({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
