// A file that was hashed and stays open. What is read behind its path are the bytes that were
// hashed, whatever is put in its place meanwhile.
//
//   const edgecv::HashedFile file("street/main.onnx");
//   std::ifstream stream(file.path(), std::ios::binary);
//   file.require_unchanged();  // after reading
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace edgecv {

class HashedFile {
 public:
  /// Opens and hashes a file, in memory of a fixed size. Throws Error (bad_bundle) if it is no
  /// plain file or cannot be read. `name` is UTF-8.
  explicit HashedFile(const std::string& name);

  /// Lower-case hex digits of the SHA-256.
  const std::string& sha256() const { return sha256_; }

  /// What to open to read it, as long as this object or a copy of it lives. On Linux the open file
  /// itself, under /proc/self/fd; elsewhere its name.
  const std::string& path() const { return path_; }
  /// For messages.
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  /// To be called when the file was read. Throws Error (bad_bundle) if what path() leads to is not
  /// what was hashed any more: somebody wrote into the file itself.
  void require_unchanged() const;

 private:
  struct Open;
  std::shared_ptr<const Open> open_;
  std::string name_, path_, sha256_;
  std::uint64_t size_ = 0;
};

}  // namespace edgecv
