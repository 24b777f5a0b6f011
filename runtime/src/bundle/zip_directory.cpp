#include "bundle/zip_directory.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "bundle/python_text.hpp"
#include "edgecv/error.hpp"

namespace edgecv {
namespace {

// As in Python's reader, runtime/python/edgecv_runtime/files/bundle.py.
constexpr std::uint64_t kMaxUnpacked = std::uint64_t{8} << 30;
constexpr std::uint64_t kMaxDirectory = 1 << 20;  // some ten thousand entries

constexpr std::size_t kEndSize = 22, kMaxComment = 0xffff;  // of the end of the list
constexpr std::size_t kEnd64Size = 56, kLocatorSize = 20;   // of zip64's, which lie before it
constexpr std::size_t kEntrySize = 46, kHeaderSize = 30;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

std::uint64_t number(std::string_view bytes, std::size_t at, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)])}
             << (8 * i);
  }
  return value;
}

std::uint64_t size_of(std::istream& file) {
  file.clear();
  file.seekg(0, std::ios::end);
  const auto size = static_cast<std::streamoff>(file.tellg());
  return size < 0 ? 0 : static_cast<std::uint64_t>(size);
}

/// Where the list of entries is.
struct Place {
  std::uint64_t offset, size;
  std::uint64_t before;  // bytes that were put before the zip: offsets do not count them
};

std::optional<Place> find_directory(std::istream& file, const std::string& name) {
  const std::uint64_t whole = size_of(file);
  const std::size_t tail_size = static_cast<std::size_t>(
      std::min<std::uint64_t>(whole, kMaxComment + kEndSize + kEnd64Size + kLocatorSize));
  const std::string tail =
      read_zip_bytes(file, whole - tail_size, tail_size, name, "its end cannot be read");
  const std::size_t end = tail.rfind("PK\5\6");
  if (end == std::string::npos || tail.size() - end < kEndSize) return std::nullopt;
  std::uint64_t size = number(tail, end + 12, 4), offset = number(tail, end + 16, 4);
  std::uint64_t last = whole - tail_size + end;  // where the list ends
  if (end >= kLocatorSize + kEnd64Size && tail.compare(end - kLocatorSize, 4, "PK\6\7") == 0) {
    const std::size_t end64 = end - kLocatorSize - kEnd64Size;
    if (tail.compare(end64, 4, "PK\6\6") == 0) {
      size = number(tail, end64 + 40, 8);
      offset = number(tail, end64 + 48, 8);
      last -= kLocatorSize + kEnd64Size;
    }
  }
  if (size > kMaxDirectory) {
    fail(name + ": lists " + with_commas(size) + " bytes of entries, " +
         with_commas(kMaxDirectory) + " at most are expected of a bundle");
  }
  if (size > last || offset > last - size) {
    damaged_zip(name, "Bad offset for central directory");
  }
  return Place{last - size, size, last - size - offset};
}

/// Sizes and offset beyond 4 GB are in the extra field, in this order, where they do not fit.
void read_zip64(std::string_view extra, ZipEntry& entry, const std::string& name) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const auto kind = number(extra, at, 2), size = number(extra, at + 2, 2);
    if (size > extra.size() - at - 4) {
      damaged_zip(name, "Corrupt extra field of " + entry.shown);
    }
    if (kind == 1) {
      std::size_t value = at + 4;
      const std::size_t end = value + static_cast<std::size_t>(size);
      for (std::uint64_t* field : {&entry.size, &entry.compressed_size, &entry.offset}) {
        if (*field != 0xffffffff) continue;
        if (end - value < 8) damaged_zip(name, "Corrupt zip64 extra field of " + entry.shown);
        *field = number(extra, value, 8);
        value += 8;
      }
    }
    at += 4 + static_cast<std::size_t>(size);
  }
}

/// A path in plain form, without "." and empty parts; nothing if it would leave the zip.
std::optional<std::string> plain_path(const std::string& name) {
  if (name.empty() || name[0] == '/' || name[0] == '\\') return std::nullopt;
  std::string plain;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("/\\", begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == ".." || (plain.empty() && part.find(':') != std::string::npos)) {
      return std::nullopt;
    }
    plain += (plain.empty() ? "" : "/") + part;
  }
  if (plain.empty()) return std::nullopt;
  return plain;
}

}  // namespace

void damaged_zip(const std::string& name, const std::string& fault) {
  fail(name + ": damaged (" + fault + "); expected the .zip of a bundle: copy it again");
}

std::string read_zip_bytes(std::istream& file, std::uint64_t offset, std::size_t size,
                           const std::string& name, const std::string& fault) {
  std::string bytes(size, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  if (size > 0 && !file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    damaged_zip(name, fault);
  }
  return bytes;
}

std::optional<ZipDirectory> read_zip_directory(std::istream& file, const std::string& name) {
  const std::optional<Place> place = find_directory(file, name);
  if (!place) return std::nullopt;
  const std::string list =
      read_zip_bytes(file, place->offset, static_cast<std::size_t>(place->size), name,
                     "Truncated central directory");
  std::vector<std::pair<std::string, ZipEntry>> entries;
  std::uint64_t unpacked = 0;
  for (std::size_t at = 0; at < list.size();) {
    if (list.size() - at < kEntrySize) damaged_zip(name, "Truncated central directory");
    if (list.compare(at, 4, "PK\1\2") != 0) {
      damaged_zip(name, "Bad magic number for central directory");
    }
    const auto name_size = static_cast<std::size_t>(number(list, at + 28, 2));
    const auto extra_size = static_cast<std::size_t>(number(list, at + 30, 2));
    const std::size_t rest_size =
        name_size + extra_size + static_cast<std::size_t>(number(list, at + 32, 2));
    if (list.size() - at - kEntrySize < rest_size) {
      damaged_zip(name, "Truncated central directory");
    }
    std::string path = list.substr(at + kEntrySize, name_size);
    path = path.substr(0, path.find('\0'));
    ZipEntry entry;
    entry.shown = python_repr(path);
    entry.flags = static_cast<int>(number(list, at + 8, 2));
    entry.method = static_cast<int>(number(list, at + 10, 2));
    entry.crc32 = static_cast<std::uint32_t>(number(list, at + 16, 4));
    entry.compressed_size = number(list, at + 20, 4);
    entry.size = number(list, at + 24, 4);
    entry.offset = number(list, at + 42, 4);
    read_zip64(std::string_view(list).substr(at + kEntrySize + name_size, extra_size), entry, name);
    at += kEntrySize + rest_size;
    if (!path.empty() && path.back() == '/') continue;  // a folder
    entry.offset += place->before;
    unpacked = std::min(entry.size, kMaxUnpacked + 1) + std::min(unpacked, kMaxUnpacked + 1);
    entries.emplace_back(std::move(path), std::move(entry));
  }
  if (unpacked > kMaxUnpacked) {
    fail(name + " unpacks to more than " + with_commas(kMaxUnpacked) + " bytes");
  }
  ZipDirectory directory;
  for (auto& [path, entry] : entries) {
    const std::optional<std::string> plain = plain_path(path);
    if (!plain) fail(name + " holds a path that leaves it: " + entry.shown);
    directory.insert_or_assign(*plain, std::move(entry));
  }
  return directory;
}

std::uint64_t content_offset(std::istream& file, const ZipEntry& entry, const std::string& name) {
  const std::string header =
      read_zip_bytes(file, entry.offset, kHeaderSize, name, "Truncated file header");
  if (header.compare(0, 4, "PK\3\4") != 0) damaged_zip(name, "Bad magic number for file header");
  return entry.offset + kHeaderSize + number(header, 26, 2) + number(header, 28, 2);
}

}  // namespace edgecv
