#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <new>

#include "bundle/bundle_files.hpp"
#include "bundle/utf8_path.hpp"
#include "bundle/zip_directory.hpp"
#include "edgecv/error.hpp"

#ifdef EDGECV_ZLIB
#include <zlib.h>
#endif

namespace edgecv {
namespace {

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

#ifdef EDGECV_ZLIB

constexpr int kStored = 0, kDeflate = 8;
constexpr std::uint64_t kHighestRatio = 1032;  // of deflate
constexpr std::size_t kPiece = 1 << 16;

/// Memory of a file that is being unpacked.
class Unpacked {
 public:
  explicit Unpacked(std::uint64_t size)
      : size_(static_cast<std::size_t>(size)), memory_(new char[size_]) {}

  char* data() const { return memory_.get(); }
  Bytes bytes() const { return {memory_.get(), size_, memory_}; }

  std::uint32_t crc32() const {
    uLong value = ::crc32(0, nullptr, 0);
    for (std::size_t at = 0; at < size_;) {
      const std::size_t piece = std::min(size_ - at, std::size_t{1} << 30);
      value = ::crc32(value, reinterpret_cast<const Bytef*>(data() + at), static_cast<uInt>(piece));
      at += piece;
    }
    return static_cast<std::uint32_t>(value);
  }

 private:
  std::size_t size_;
  std::shared_ptr<char[]> memory_;
};

/// Inflates what an entry holds into `into`; says what is wrong, or nothing.
std::string inflate(std::istream& file, std::uint64_t compressed, char* into, std::uint64_t size) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closing(&stream, inflateEnd);
  const std::unique_ptr<char[]> piece(new char[kPiece]);
  std::uint64_t written = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0 && compressed > 0) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(compressed, kPiece));
      if (!file.read(piece.get(), static_cast<std::streamsize>(count))) return "its end is missing";
      compressed -= count;
      stream.next_in = reinterpret_cast<Bytef*>(piece.get());
      stream.avail_in = static_cast<uInt>(count);
    }
    const auto room = static_cast<uInt>(std::min<std::uint64_t>(size - written, 1u << 30));
    stream.next_out = reinterpret_cast<Bytef*>(into + written);
    stream.avail_out = room;
    state = ::inflate(&stream, Z_NO_FLUSH);
    written += room - stream.avail_out;
    if (state == Z_MEM_ERROR) throw std::bad_alloc();
    if (state == Z_BUF_ERROR) break;  // more to write than it says, or nothing more to read
    if (state != Z_OK && state != Z_STREAM_END) {
      return "Error " + std::to_string(state) + " while decompressing data" +
             (stream.msg ? std::string(": ") + stream.msg : "");
    }
  }
  if (state != Z_STREAM_END || written != size) return "it has another length than it says";
  return "";
}

class ZipFiles : public BundleFiles {
 public:
  ZipFiles(const std::string& path, std::ifstream file, ZipDirectory directory)
      : BundleFiles(path), file_(std::move(file)), directory_(std::move(directory)) {
    file_.clear();
    file_.seekg(0, std::ios::end);
    size_ = static_cast<std::uint64_t>(std::max<std::streamoff>(file_.tellg(), 0));
    if (directory_.count("bundle.json") > 0) return;
    for (const auto& [name, entry] : directory_) {
      const std::size_t slash = name.find('/');
      if (slash == std::string::npos || name.compare(slash, std::string::npos, "/bundle.json") != 0)
        continue;
      folder_ = name.substr(0, slash + 1);
      return;
    }
    fail(path + " holds no bundle.json");
  }

  std::string manifest() const override {
    const ZipEntry& entry = directory_.at(folder_ + "bundle.json");
    check_manifest_size(entry.size);
    const Bytes text = unpack(entry);
    return {static_cast<const char*>(text.data), text.size};
  }

  std::string current_manifest() const override {
    const auto now = zip_files(name());
    if (!now) fail(name() + " is no zip any more");
    return now->manifest();
  }

  HashedFile open(const std::string& file, Bytes* content) const override {
    const auto found = directory_.find(folder_ + file);
    if (found == directory_.end()) missing(file);
    if (content) check_graph_size(file, found->second.size);
    const Bytes bytes = unpack(found->second);
    if (content) *content = bytes;
    return HashedFile::in_memory(shown(file), bytes);
  }

 private:
  Bytes unpack(const ZipEntry& entry) const {
    constexpr int kEncrypted = 1;
    if (entry.flags & kEncrypted) {
      damaged_zip(name(),
                  "File " + entry.shown + " is encrypted, password required for extraction");
    }
    if (entry.method != kStored && entry.method != kDeflate) {
      damaged_zip(name(), "That compression method is not supported");
    }
    if (entry.method == kStored ? entry.size != entry.compressed_size
                                : entry.size / kHighestRatio > entry.compressed_size) {
      damaged_zip(name(), entry.shown + " has another length than it says");
    }
    // Else a small file could ask for gigabytes.
    if (entry.compressed_size > size_) damaged_zip(name(), "its end is missing");
    try {
      const Unpacked result(entry.size);
      read_into(result.data(), entry);
      if (result.crc32() != entry.crc32) {
        damaged_zip(name(), "Bad CRC-32 for file " + entry.shown);
      }
      return result.bytes();
    } catch (const std::bad_alloc&) {
      fail(name() +
           ": asks for more memory than there is: damaged, or too large; expected the .zip of a "
           "bundle: copy it again");
    }
  }

  void read_into(char* memory, const ZipEntry& entry) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    file_.clear();
    const std::uint64_t begin = content_offset(file_, entry, name());
    file_.seekg(static_cast<std::streamoff>(begin));
    if (entry.method == kDeflate) {
      const std::string fault = inflate(file_, entry.compressed_size, memory, entry.size);
      if (!fault.empty()) damaged_zip(name(), fault);
    } else if (!file_.read(memory, static_cast<std::streamsize>(entry.size))) {
      damaged_zip(name(), "its end is missing");
    }
  }

  mutable std::mutex mutex_;  // guards file_
  mutable std::ifstream file_;
  ZipDirectory directory_;
  std::uint64_t size_ = 0;  // of the .zip
  std::string folder_;      // in which the bundle is, with its slash; empty: at the top
};

#endif

}  // namespace

std::shared_ptr<const BundleFiles> zip_files(const std::string& path) {
  std::ifstream file(utf8_path(path), std::ios::binary);
  if (!file) fail(path + " cannot be opened");
  auto directory = read_zip_directory(file, path);
  if (!directory) return nullptr;
#ifdef EDGECV_ZLIB
  return std::make_shared<ZipFiles>(path, std::move(file), std::move(*directory));
#else
  fail(path + ": this edgecv was built without zlib, which reading a .zip needs: unpack it");
#endif
}

}  // namespace edgecv
