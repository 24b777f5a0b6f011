#include "edgecv/bundle/hashed_file.hpp"

#include <filesystem>
#include <fstream>
#include <vector>

#include "bundle/sha256.hpp"
#include "edgecv/error.hpp"

#ifdef __linux__
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace edgecv {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

/// Digest and number of bytes.
std::string hash(const std::string& path, const std::string& name, std::uint64_t& size) {
  std::ifstream file(fs::u8path(path), std::ios::binary);
  if (!file) fail(name + " cannot be opened");
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

HashedFile::HashedFile(const std::string& name) : name_(name) {
  std::error_code error;
  if (!fs::is_regular_file(fs::u8path(name), error)) fail(name + " is not a regular file");
  open_ = std::make_shared<const Open>(name);
  path_ = open_->path;
  sha256_ = hash(path_, name_, size_);
}

void HashedFile::require_unchanged() const {
#ifdef __linux__
  const bool held = path_ != name_;
  if (held && open_->unchanged()) return;
#else
  const bool held = false;
#endif
  std::uint64_t size = 0;
  if (held || hash(path_, name_, size) != sha256_) {
    fail(name_ + " was written to while it was loaded: load it again");
  }
}

}  // namespace edgecv
