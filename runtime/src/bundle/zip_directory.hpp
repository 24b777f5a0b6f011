// The list of what a .zip holds, read without any library.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <string>

namespace edgecv {

/// One file of a zip. Nothing in it is trusted yet.
struct ZipEntry {
  std::string shown;  // its name as messages have it, in quotes
  int flags = 0;
  int method = 0;  // 0: stored; 8: deflate
  std::uint32_t crc32 = 0;
  std::uint64_t compressed_size = 0, size = 0;
  std::uint64_t offset = 0;  // of its own header
};

/// By plain relative path; of two with one path the later one counts.
using ZipDirectory = std::map<std::string, ZipEntry>;

/// The files listed at the end of a zip; nothing where it has no such list, so that it is no zip.
/// Throws Error (bad_bundle) if the list is damaged or longer than that of a bundle, if all
/// together unpack to more than 8 GB, or a path leaves the zip. `name`: for messages.
std::optional<ZipDirectory> read_zip_directory(std::istream& file, const std::string& name);

/// Where the content of an entry begins.
std::uint64_t content_offset(std::istream& file, const ZipEntry& entry, const std::string& name);

[[noreturn]] void damaged_zip(const std::string& name, const std::string& fault);

/// `size` bytes at `offset`, or an error that says `fault`.
std::string read_zip_bytes(std::istream& file, std::uint64_t offset, std::size_t size,
                           const std::string& name, const std::string& fault);

}  // namespace edgecv
