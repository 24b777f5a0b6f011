#include "onnxruntime/graph_cache.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>

#include "bundle/utf8_path.hpp"

namespace edgecv::onnxruntime {
namespace {

namespace fs = std::filesystem;

/// Two processors that run the same instructions have the same description.
std::string processor() {
#ifdef __linux__
  std::ifstream stream("/proc/cpuinfo");
  std::string text, line;
  while (std::getline(stream, line) && !line.empty()) {
    for (const char* key : {"model name", "flags", "Features", "CPU part"}) {
      if (line.rfind(key, 0) == 0) text += line + "\n";
    }
  }
  return text;
#else
  return "";
#endif
}

/// FNV-1a, in hex digits: whatever else an entry is for.
std::string short_hash(const std::string& text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::ostringstream digits;
  digits << std::hex << hash;
  return digits.str();
}

}  // namespace

GraphCache::GraphCache(const Library& library, const Provider& provider, const HashedFile& graph,
                       const OnnxRuntimeOptions& options) {
  const bool keeps =
      provider.name == "CPUExecutionProvider" || provider.name == "CUDAExecutionProvider";
  if (options.cache_dir.empty() || !keeps || !options.provider_library.empty()) return;
  std::error_code error;
  const fs::path folder = utf8_path(options.cache_dir);
  fs::create_directories(folder, error);
  if (error) {
    throw Error(ErrorCode::engine,
                "cache_dir: " + options.cache_dir + " cannot be made: " + error.message());
  }
  std::string key = library.version() + "\n" + provider.name + "\n" + processor();
  for (const auto* each : {&options.provider_options, &options.session_config}) {
    for (const auto& [name, value] : *each) key += name + "=" + value + "\n";
  }
  const std::string stem = options.cache_dir + "/" + graph.sha256() + "-" + short_hash(key);
  file_ = stem + ".onnx";
  new_file_ = stem + "." + std::to_string(std::random_device()()) + ".part";
}

GraphCache::~GraphCache() {
  if (!use()) return;
  std::error_code error;
  fs::remove(utf8_path(new_file_), error);
}

std::optional<std::string> GraphCache::kept() const {
  std::error_code error;
  if (!use() || !fs::is_regular_file(utf8_path(file_), error)) return std::nullopt;
  return file_;
}

void GraphCache::keep() {
  if (!use()) return;
  // Atomic: another process that starts now finds all of it or nothing.
  std::error_code error;
  fs::rename(utf8_path(new_file_), utf8_path(file_), error);
  if (error) {
    throw Error(ErrorCode::engine,
                "cache_dir: " + file_ + " cannot be written: " + error.message());
  }
}

}  // namespace edgecv::onnxruntime
