#include "edgecv/bundle/graph_check.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <string_view>

#include "bundle/bundle_error.hpp"
#include "bundle/graph_inputs.hpp"
#include "bundle/graph_size.hpp"

namespace edgecv {
namespace {

constexpr std::uint64_t kMaxValues = std::uint64_t{1} << 28;
constexpr std::size_t kMaxNodes = 100000;
constexpr std::uint64_t kInt64 = 7;           // TensorProto.DataType
constexpr unsigned kVarint = 0, kLength = 2;  // protobuf's wire types

struct Malformed {};

/// One message of protobuf's wire format, field by field. What protobuf would read in another way
/// than this class is malformed: an engine must see what was checked.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number = 0;  // of the field
  unsigned wire = 0;         // protobuf passes over a field of another wire type than it expects
  std::uint64_t value = 0;   // of an integer
  std::string_view content;  // of bytes, a text, a message or packed integers

  bool next() {
    if (bytes_.empty()) return false;
    const std::uint64_t key = varint(bytes_);
    // protobuf keeps the lower 32 bits, and so takes it for another field.
    if (key >> 32 != 0) throw Malformed{};
    number = key >> 3;
    wire = key & 7;
    value = 0;
    content = {};
    switch (wire) {
      case kVarint:
        value = varint(bytes_);
        break;
      case 1:
        content = take(8);
        break;
      case kLength:
        content = take(varint(bytes_));
        break;
      case 5:
        content = take(4);
        break;
      default:
        throw Malformed{};
    }
    if (number == 0) throw Malformed{};
    return true;
  }

  static std::uint64_t varint(std::string_view& bytes) {
    std::uint64_t result = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes.empty()) throw Malformed{};
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      result |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return result;
    }
    throw Malformed{};
  }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) throw Malformed{};
    const std::string_view taken = bytes_.substr(0, static_cast<std::size_t>(count));
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view bytes_;
};

/// `total` times `factor`, at most 2^63.
std::uint64_t product(std::uint64_t total, std::uint64_t factor) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 63;
  return factor != 0 && total > kMost / factor ? kMost : total * factor;
}

class GraphCheck {
 public:
  explicit GraphCheck(const std::string& name) : name_(name) {}

  void model(std::string_view bytes) {
    bool found = false;
    // A graph in several parts is one.
    for (Fields field(bytes); field.next();) {
      if (field.number == 7) find_large(field.content);
      if (field.number == 8) find_opset(field.content);
    }
    for (Fields field(bytes); field.next();) {
      if (field.number == 7) {
        graph(field.content);
        found = true;
      } else if (field.number == 20 || field.number == 25) {
        refuse(std::string("it holds ") + (field.number == 20 ? "training steps" : "functions"),
               "one graph of ONNX's own operators");
      }
    }
    if (!found) throw Malformed{};
  }

 private:
  [[noreturn]] void refuse(const std::string& found, const std::string& expected) const {
    throw Error(ErrorCode::bad_bundle,
                name_ + ": " + found + ", expected " + expected + ": export it again");
  }

  void find_opset(std::string_view bytes) {
    const std::string_view domain = name_in(bytes, 1);
    if (!domain.empty() && domain != "ai.onnx") return;
    for (Fields field(bytes); field.next();) {
      if (field.number == 2 && field.wire == kVarint) opset_ = std::max(opset_, field.value);
    }
  }

  /// Constants that are too large as the shape of something. They may stand behind their use.
  void find_large(std::string_view bytes) {
    for (Fields field(bytes); field.next();) {
      if (field.number == 5) {
        if (shape_is_large(field.content)) large_.insert(name_in(field.content, 8));
      } else if (field.number == 1) {
        for (Fields part(field.content); part.next();) {
          if (part.number != 5) continue;
          for (Fields value(part.content); value.next();) {
            if (value.number == 5 && shape_is_large(value.content)) {
              large_.insert(name_in(field.content, 2));
            }
          }
        }
      }
    }
  }

  static std::string_view name_in(std::string_view bytes, std::uint64_t number) {
    std::string_view found;
    for (Fields field(bytes); field.next();) {
      if (field.number == number && field.wire == kLength) found = field.content;
    }
    return found;
  }

  /// Of int64 values, read as a shape.
  static bool shape_is_large(std::string_view tensor) {
    std::uint64_t type = 0, values = 1, total = 1;
    const auto multiply = [&](std::uint64_t value) {
      const auto length = static_cast<std::int64_t>(value);
      if (length > 0) total = product(total, value);
    };
    for (Fields field(tensor); field.next();) {
      if (field.number == 1) {
        for_each_integer(field, [&](std::uint64_t axis) { values = product(values, axis); });
      } else if (field.number == 2 && field.wire == kVarint) {
        type = field.value & 0xffffffff;  // as protobuf reads an enumeration
      } else if (field.number == 7) {
        for_each_integer(field, multiply);
      } else if (field.number == 9) {
        if (field.content.size() > 8 * 8) return false;  // no shape: weights
        for (std::size_t i = 0; i + 8 <= field.content.size(); i += 8) {
          std::uint64_t value = 0;
          for (int k = 7; k >= 0; --k) {
            value = value << 8 | static_cast<unsigned char>(field.content[i + k]);
          }
          multiply(value);
        }
      }
    }
    return type == kInt64 && values <= 8 && total > kMaxValues;
  }

  /// An integer, or packed ones.
  template <typename Take>
  static void for_each_integer(const Fields& field, const Take& take) {
    if (field.wire == kVarint) return take(field.value);
    if (field.wire != kLength) return;
    for (std::string_view rest = field.content; !rest.empty();) take(Fields::varint(rest));
  }

  void graph(std::string_view bytes) {
    for (Fields field(bytes); field.next();) {
      if (field.number == 1) {
        node(field.content);
      } else if (field.number == 5) {
        tensor(field.content);
      } else if (field.number == 15) {
        sparse(field.content);
      }
    }
  }

  void node(std::string_view bytes) {
    if (++nodes_ > kMaxNodes) {
      refuse("it has more than " + std::to_string(kMaxNodes) + " nodes", "fewer");
    }
    const std::string_view type = name_in(bytes, 4), domain = name_in(bytes, 7);
    const auto shown = [&] {
      return "node " + quoted(std::string(name_in(bytes, 3))) + " of type " +
             quoted(std::string(type));
    };
    if (!domain.empty() && domain != "ai.onnx") {
      refuse(shown() + " is of the domain " + quoted(std::string(domain)),
             "operators of ONNX itself");
    }
    const bool sized = type == "ConstantOfShape" || type == "Expand" || type == "Tile";
    for (Fields field(bytes); field.next();) {
      if (field.number == 1 && sized && large_.count(field.content) != 0) {
        refuse(shown() + " makes more than " + std::to_string(kMaxValues) + " values", "fewer");
      }
      if (field.number != 5) continue;
      for (Fields part(field.content); part.next();) {
        if (part.number == 6 || part.number == 11) {
          refuse(shown() + " holds a graph of its own", "no If, Loop or Scan");
        } else if (part.number == 5 || part.number == 10) {
          tensor(part.content);
        } else if (part.number == 22 || part.number == 23) {
          sparse(part.content);
        }
      }
    }
    check_inputs(bytes, inputs_needed(type, opset_), shown);
  }

  template <typename Shown>
  void check_inputs(std::string_view node, std::size_t needed, const Shown& shown) const {
    std::size_t count = 0;
    for (Fields field(node); count < needed && field.next();) {
      if (field.number != 1 || field.wire != kLength) continue;
      if (field.content.empty()) break;  // left out, as only those may be that come later
      ++count;
    }
    if (count == needed) return;
    refuse(shown() + " lacks input " + std::to_string(count),
           std::to_string(needed) + (needed == 1 ? " input" : " inputs") + " at least");
  }

  void sparse(std::string_view bytes) {
    for (Fields field(bytes); field.next();) {
      if (field.number == 1 || field.number == 2) tensor(field.content);
    }
  }

  void tensor(std::string_view bytes) {
    std::uint64_t values = 1;
    const auto shown = [&] { return "tensor " + quoted(std::string(name_in(bytes, 8))); };
    for (Fields field(bytes); field.next();) {
      if (field.number == 1) {
        for_each_integer(field, [&](std::uint64_t axis) { values = product(values, axis); });
      } else if (field.number == 13 || (field.number == 14 && field.value != 0)) {
        refuse(shown() + " lies in another file", "all weights inside");
      }
    }
    // A value takes half a byte at least.
    if (values / 2 > bytes.size()) {
      refuse(shown() + " claims " + std::to_string(values) + " values and holds fewer",
             "those it claims");
    }
  }

  const std::string& name_;
  std::set<std::string_view> large_;
  std::size_t nodes_ = 0;
  std::uint64_t opset_ = 0;
};

}  // namespace

void check_graph(const void* data, std::size_t size, const std::string& name) {
  if (size >= kMaxGraphBytes) refuse_graph_size(name, size);
  // ONNX Runtime would take it for its own format, whatever else it may be.
  if (size >= 8 && std::memcmp(static_cast<const char*>(data) + 4, "ORTM", 4) == 0) {
    throw Error(ErrorCode::bad_bundle, name + " is of ONNX Runtime's own format, expected ONNX");
  }
  try {
    GraphCheck(name).model({static_cast<const char*>(data), size});
  } catch (const Malformed&) {
    throw Error(ErrorCode::bad_bundle,
                name + " is not an ONNX file, or a damaged one: export or copy the bundle again");
  }
}

}  // namespace edgecv
