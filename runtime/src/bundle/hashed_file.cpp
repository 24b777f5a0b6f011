#include "edgecv/bundle/hashed_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "bundle/sha256.hpp"
#include "bundle/utf8_path.hpp"
#include "edgecv/error.hpp"

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace edgecv {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

[[noreturn]] void changed(const std::string& name) {
  fail(name + " was written to while it was loaded: load it again");
}

std::ifstream open_to_read(const std::string& path, const std::string& name) {
  std::ifstream file(utf8_path(path), std::ios::binary);
  if (!file) fail(name + " cannot be opened");
  return file;
}

/// Digest and number of bytes.
std::string hash(const std::string& path, const std::string& name, std::uint64_t& size) {
  std::ifstream file = open_to_read(path, name);
  Sha256 hash;
  std::vector<char> chunk(1 << 20);
  size = 0;
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0) {
    hash.update(chunk.data(), static_cast<std::size_t>(file.gcount()));
    size += static_cast<std::uint64_t>(file.gcount());
  }
  if (file.bad()) fail(name + " cannot be read to its end");
  return hash.hex_digest();
}

/// Memory straight from the kernel where that can be: once a buffer of such a size is freed, glibc
/// takes later large ones from the heap, which does not shrink again.
std::shared_ptr<char> pages(std::size_t size) {
#ifdef __linux__
  if (size > 0) {
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return {static_cast<char*>(memory), [size](char* p) { ::munmap(p, size); }};
  }
#endif
  return {new char[size], std::default_delete<char[]>()};
}

/// Digest and the bytes themselves, read once.
std::string read(const std::string& path, const std::string& name, Bytes& content) {
  std::ifstream file = open_to_read(path, name);
  file.seekg(0, std::ios::end);
  const auto size = static_cast<std::streamoff>(file.tellg());
  file.seekg(0);
  if (!file || size < 0) fail(name + " cannot be read to its end");
  const std::shared_ptr<char> memory = pages(static_cast<std::size_t>(size));
  constexpr std::streamoff kPiece = 1 << 18;  // hashed while it is in the processor's cache
  Sha256 hash;
  for (std::streamoff at = 0; at < size; at += kPiece) {
    const std::streamoff piece = std::min(kPiece, size - at);
    if (!file.read(memory.get() + at, piece)) fail(name + " cannot be read to its end");
    hash.update(memory.get() + at, static_cast<std::size_t>(piece));
  }
  content = {memory.get(), static_cast<std::size_t>(size), memory};
  return hash.hex_digest();
}

}  // namespace

#ifdef __linux__
struct HashedFile::Open {
  explicit Open(const std::string& name)
      // Without O_NONBLOCK a pipe would be waited for.
      : handle(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
        path("/proc/self/fd/" + std::to_string(handle)) {
    if (handle < 0 || ::fstat(handle, &before) != 0) fail(name + " cannot be opened");
    struct stat there;
    if (::stat(path.c_str(), &there) != 0 || there.st_ino != before.st_ino) path = name;
  }
  ~Open() {
    if (handle >= 0) ::close(handle);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;

  /// Writing into a file changes this time.
  bool unchanged() const {
    struct stat now;
    return ::fstat(handle, &now) == 0 && now.st_size == before.st_size &&
           now.st_mtim.tv_sec == before.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
  }

  int handle;
  std::string path;
  struct stat before;
};
#else
struct HashedFile::Open {
  explicit Open(const std::string& name) : path(name) {}
  std::string path;
};
#endif

void HashedFile::open() {
  std::error_code error;
  if (!fs::is_regular_file(utf8_path(name_), error)) fail(name_ + " is not a regular file");
  open_ = std::make_shared<const Open>(name_);
  path_ = open_->path;
}

HashedFile::HashedFile(const std::string& name) : name_(name) {
  open();
  sha256_ = hash(path_, name_, size_);
}

HashedFile::HashedFile(const std::string& name, Bytes& content) : name_(name) {
  open();
  sha256_ = read(path_, name_, content);
  size_ = content.size;
}

HashedFile HashedFile::in_memory(const std::string& name, Bytes bytes) {
  HashedFile file;
  file.name_ = name;
  file.size_ = bytes.size;
  Sha256 hash;
  hash.update(bytes.data, bytes.size);
  file.sha256_ = hash.hex_digest();
  file.memory_ = std::move(bytes);
  return file;
}

Bytes HashedFile::bytes() const {
  if (!open_) return memory_;
  Bytes content;
  if (read(path_, name_, content) != sha256_) changed(name_);
  return content;
}

void HashedFile::require_unchanged() const {
  if (!open_) return;
#ifdef __linux__
  const bool held = path_ != name_;
  if (held && open_->unchanged()) return;
#else
  const bool held = false;
#endif
  std::uint64_t size = 0;
  if (held || hash(path_, name_, size) != sha256_) changed(name_);
}

}  // namespace edgecv
