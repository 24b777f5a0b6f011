#include "onnxruntime/library.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "onnxruntime/find_library.hpp"

#include "bundle/utf8_path.hpp"

namespace edgecv::onnxruntime {
namespace {

/// The oldest that edgecv is tested with, in Python too.
constexpr int kOldestVersion = 18;

std::mutex& libraries_mutex() {
  static std::mutex* const mutex = new std::mutex;  // never destroyed: exit order does not matter
  return *mutex;
}

std::map<std::string, std::shared_ptr<const Library>>& libraries() {
  static auto* const all = new std::map<std::string, std::shared_ptr<const Library>>;
  return *all;
}

/// The minor number of "1.32.0"; the major one is 1 and counts nothing.
int minor_of(const std::string& version) {
  const std::size_t dot = version.find('.');
  return dot == std::string::npos ? 0 : std::atoi(version.c_str() + dot + 1);
}

/// ONNX Runtime puts what was expected into lines of their own.
std::string in_one_line(const char* text) {
  std::istringstream words(text);
  std::string line, word;
  while (words >> word) line += (line.empty() ? "" : " ") + word;
  return line;
}

/// DisableTelemetryEvents() comes too late: an identity of the machine is written to the user's
/// cache when the environment is made (1.29 and later).
void ask_for_no_telemetry() {
#ifdef _WIN32
  if (!std::getenv("ORT_DISABLE_TELEMETRY")) _putenv_s("ORT_DISABLE_TELEMETRY", "1");
#else
  setenv("ORT_DISABLE_TELEMETRY", "1", 0);
#endif
}

/// What is wrong is raised; nothing is printed.
void ORT_API_CALL say_nothing(void*, OrtLoggingLevel, const char*, const char*, const char*,
                              const char*) {}

}  // namespace

Library::Library(const OrtApiBase& base, std::string path)
    : path_(std::move(path)), version_(base.GetVersionString()) {
  const int minor = minor_of(version_);
  if (minor < kOldestVersion) {
    throw Error(ErrorCode::engine, path_ + " is ONNX Runtime " + version_ + ": expected 1." +
                                       std::to_string(kOldestVersion) + " or later");
  }
  // A version that the library does not know is answered by a line on standard error.
  api_version_ = std::min<int>(ORT_API_VERSION, minor);
  api_ = base.GetApi(static_cast<std::uint32_t>(api_version_));
  if (!api_) {
    throw Error(ErrorCode::engine, path_ + " is ONNX Runtime " + version_ +
                                       " and does not offer version " +
                                       std::to_string(api_version_) + " of its C interface");
  }
}

std::shared_ptr<const Library> Library::open(const std::string& place) {
  const char* named = std::getenv("EDGECV_ONNXRUNTIME");
  const std::string key = place.empty() && named ? named : place;
  const std::lock_guard<std::mutex> lock(libraries_mutex());
  std::shared_ptr<const Library>& library = libraries()[key];
  if (!library) {
    ask_for_no_telemetry();
    OpenedLibrary opened = open_library(place);
    library.reset(new Library(*opened.base, std::move(opened.path)));
  }
  return library;
}

std::shared_ptr<const Library> Library::of(const OrtApiBase& base) {
  return std::shared_ptr<const Library>(new Library(base, "the application's onnxruntime"));
}

OrtEnv* Library::env() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!env_) {
    check(api_->CreateEnvWithCustomLogger(say_nothing, nullptr, ORT_LOGGING_LEVEL_FATAL, "edgecv",
                                          &env_));
    check(api_->DisableTelemetryEvents(env_));
  }
  return env_;
}

std::vector<std::string> Library::providers() const {
  char** names = nullptr;
  int count = 0;
  check(api_->GetAvailableProviders(&names, &count));
  const std::vector<std::string> found(names, names + count);
  check(api_->ReleaseAvailableProviders(names, count));
  return found;
}

void Library::check(OrtStatus* status, const std::string& what) const {
  if (!status) return;
  const std::string message = in_one_line(api_->GetErrorMessage(status));
  api_->ReleaseStatus(status);
  throw Error(ErrorCode::engine, what + ": " + message);
}

std::basic_string<ORTCHAR_T> to_ort_path(const std::string& path) {
  return utf8_path(path).native();
}

}  // namespace edgecv::onnxruntime
