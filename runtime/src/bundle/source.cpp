#include "edgecv/bundle/source.hpp"

#include <filesystem>

#include "bundle/bundle_files.hpp"
#include "bundle/python_text.hpp"
#include "bundle/utf8_path.hpp"
#include "edgecv/bundle/bundle.hpp"
#include "edgecv/error.hpp"

namespace edgecv {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::bad_bundle, message); }

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Files that are mistaken for a bundle: what they are, and the command that makes one of them.
void refuse_other_files(const std::string& path) {
  const fs::path given = utf8_path(path);
  const std::string suffix = lower_case(utf8_name(given.extension()));
  const std::string stem = utf8_name(given.stem());
  if (suffix == ".pt" || suffix == ".pth" || suffix == ".ckpt") {
    fail(path + " is a checkpoint, not a bundle: edgecv export " + path + " --out " + stem +
         " makes one");
  }
  if (suffix == ".onnx") {
    fail(path + " is an ONNX file, not a bundle: edgecv wrap " + path +
         " --inspect begins to make one");
  }
  if (suffix == ".safetensors") {
    fail(path + " has weights only, not a bundle: edgecv export ARCHITECTURE --weights " + path +
         " --out " + stem + " makes one");
  }
}

/// Reading a pipe or a device could wait for ever.
void check_regular(const std::string& path, fs::file_type type) {
  if (type == fs::file_type::regular) return;
  const bool pipe = type == fs::file_type::fifo, socket = type == fs::file_type::socket;
  throw Error(ErrorCode::invalid_input, path + ": is a " +
                                            (pipe     ? "pipe"
                                             : socket ? "socket"
                                                      : "device") +
                                            ", a file was expected: " +
                                            (pipe || socket ? "write it to a file first"
                                                            : "v4l2:///dev/videoN reads a camera"));
}

}  // namespace

std::shared_ptr<const BundleFiles> BundleSource::open() const {
  if (memory_) return memory_files(*memory_, name_);
  if (name_.find('\0') != std::string::npos) {
    fail(python_repr(name_) + ": is not a path: it holds a zero byte");
  }
  std::error_code error;
  const fs::file_type type = fs::status(utf8_path(name_), error).type();
  if (type == fs::file_type::directory) return folder_files(name_);
  if (type == fs::file_type::not_found) {
    fail(name_ + " does not exist: expected the folder or .zip of a bundle");
  }
  if (type == fs::file_type::none || type == fs::file_type::unknown) {
    fail(name_ + ": cannot be read: " + error.message() +
         "; expected the folder or .zip of a bundle");
  }
  refuse_other_files(name_);
  check_regular(name_, type);
  if (auto files = zip_files(name_)) return files;
  fail(name_ + " is not a bundle: expected a folder with bundle.json, or a .zip of one");
}

Bundle Bundle::open(const BundleSource& source) { return Bundle(source.open()); }

}  // namespace edgecv
