#include "bundle/npy.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "bundle/bundle_error.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {
namespace {

constexpr std::size_t kMaxHeader = 4096;
constexpr const char* kExpected =
    "expected an .npy file of little-endian float32 [N, 4] in C order";

/// Reads the header, a Python dict literal such as
/// {'descr': '<f4', 'fortran_order': False, 'shape': (8732, 4), }.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  struct Header {
    std::string descr, fortran_order;
    std::vector<std::uint64_t> shape;
  };

  Header read() {
    Header header;
    expect('{');
    while (!take('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        header.descr = string();
      } else if (key == "fortran_order") {
        header.fortran_order = word();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        malformed();
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) malformed();
    return header;
  }

 private:
  [[noreturn]] void malformed() const {
    throw Error(ErrorCode::bad_bundle, path_ + " has a malformed .npy header: " + kExpected);
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  bool take(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) malformed();
  }

  std::string string() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) malformed();
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) malformed();
    const std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }

  std::string word() {
    skip_space();
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_]))) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> values;
    expect('(');
    while (!take(')')) {
      values.push_back(integer());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::uint64_t integer() {
    skip_space();
    std::uint64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) malformed();
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

std::uint32_t little_endian(const unsigned char* bytes, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value |= std::uint32_t{bytes[i]} << (8 * i);
  return value;
}

/// Reads one piece after another.
class Pieces {
 public:
  Pieces(const Bytes& bytes, const std::string& path) : rest_(bytes), path_(path) {}

  const unsigned char* take(std::size_t count) {
    if (count > rest_.size) {
      throw Error(ErrorCode::bad_bundle, path_ + " ends too early: " + kExpected);
    }
    const auto* piece = static_cast<const unsigned char*>(rest_.data);
    rest_.data = piece + count;
    rest_.size -= count;
    return piece;
  }

 private:
  Bytes rest_;
  const std::string& path_;
};

}  // namespace

std::vector<float> read_npy_boxes(const Bytes& content, const std::string& path) {
  Pieces file(content, path);
  const auto refuse = [&](const std::string& fault) {
    throw Error(ErrorCode::bad_bundle, path + " " + fault + ": " + kExpected);
  };

  const unsigned char* magic = file.take(8);
  if (std::memcmp(magic, "\x93NUMPY", 6) != 0) refuse("is not an .npy file");
  const int version = magic[6];
  if (version < 1 || version > 3) refuse("has .npy format " + std::to_string(version));
  const int length_bytes = version == 1 ? 2 : 4;
  const std::size_t header_size =
      little_endian(file.take(static_cast<std::size_t>(length_bytes)), length_bytes);
  if (header_size > kMaxHeader) refuse("has a header of " + std::to_string(header_size) + " bytes");

  const std::string_view text(reinterpret_cast<const char*>(file.take(header_size)), header_size);
  const HeaderReader::Header header = HeaderReader(text, path).read();
  if (header.descr != "<f4") refuse("has dtype " + quoted(header.descr));
  if (header.fortran_order != "False") refuse("is in Fortran order");
  if (header.shape.size() != 2 || header.shape[1] != 4) {
    refuse("has another shape (" + std::to_string(header.shape.size()) + " axes" +
           (header.shape.empty() ? "" : ", the last of " + std::to_string(header.shape.back())) +
           ")");
  }
  const std::uint64_t boxes = header.shape[0];
  if (boxes < 1 || boxes > kMaxAnchors) refuse("has " + std::to_string(boxes) + " boxes");

  const std::uint64_t expected_size =
      8 + static_cast<std::uint64_t>(length_bytes) + header_size + boxes * 16;
  if (content.size != expected_size) {
    refuse("has " + std::to_string(content.size) + " bytes where its header asks for " +
           std::to_string(expected_size));
  }
  const unsigned char* data = file.take(static_cast<std::size_t>(boxes * 16));

  std::vector<float> values(static_cast<std::size_t>(boxes * 4));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t bits = little_endian(data + 4 * i, 4);
    std::memcpy(&values[i], &bits, 4);
    if (!std::isfinite(values[i]))
      refuse("has a value that is not finite in box " + std::to_string(i / 4));
    if (std::abs(values[i]) > kLargestValue)
      refuse("has a value beyond 1e6 in box " + std::to_string(i / 4));
  }
  return values;
}

}  // namespace edgecv
