// A file that was hashed and stays open, or bytes in memory. What is read of it are the bytes that
// were hashed, whatever is put in its place meanwhile.
//
//   const edgecv::HashedFile file("street/main.onnx");
//   std::ifstream stream(file.path(), std::ios::binary);
//   file.require_unchanged();                    // after reading
//   const edgecv::Bytes bytes = file.bytes();    // or all at once
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "edgecv/bundle/bytes.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

class EDGECV_API HashedFile {
 public:
  /// Opens and hashes a file, in memory of a fixed size. Throws Error (bad_bundle) if it is no
  /// plain file or cannot be read. `name` is UTF-8.
  explicit HashedFile(const std::string& name);
  /// The same in one pass that also gives what was read.
  HashedFile(const std::string& name, Bytes& content);
  /// Bytes that are in memory already, and are not changed; `name` is for messages.
  static HashedFile in_memory(const std::string& name, Bytes bytes);

  /// Lower-case hex digits of the SHA-256.
  const std::string& sha256() const { return sha256_; }

  /// What to open to read it, as long as this object or a copy of it lives. On Linux the open file
  /// itself, under /proc/self/fd; elsewhere its name. Empty where it is in memory.
  const std::string& path() const { return path_; }
  /// For messages.
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  /// What was hashed: the bytes in memory, or a copy of the file, which belongs to the result.
  /// Throws as require_unchanged().
  Bytes bytes() const;

  /// To be called when the file was read. Throws Error (bad_bundle) if what path() leads to is not
  /// what was hashed any more: somebody wrote into the file itself.
  void require_unchanged() const;

 private:
  struct Open;
  HashedFile() = default;
  void open();
  std::shared_ptr<const Open> open_;  // null in memory
  std::string name_, path_, sha256_;
  std::uint64_t size_ = 0;
  Bytes memory_;
};

}  // namespace edgecv
