#include "onnxruntime/find_library.hpp"

#include <onnxruntime_c_api.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "bundle/utf8_path.hpp"
#include "edgecv/error.hpp"

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif
#endif

namespace edgecv::onnxruntime {
namespace {

namespace fs = std::filesystem;

#if defined(_WIN32)
constexpr const char* kPlain = "onnxruntime.dll";
#elif defined(__APPLE__)
constexpr const char* kPlain = "libonnxruntime.dylib";
#else
constexpr const char* kPlain = "libonnxruntime.so";
#endif

/// Debian names the library by its version and has the plain name in its -dev package only.
constexpr int kNewestName = 60, kOldestName = 18;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::engine, message); }

#ifdef _WIN32
void* load(const fs::path& path, std::string& why) {
  // A full path also finds what lies beside it.
  const DWORD flags = path.is_absolute() ? LOAD_WITH_ALTERED_SEARCH_PATH : 0;
  void* handle = LoadLibraryExW(path.c_str(), nullptr, flags);
  if (!handle) why = "error " + std::to_string(GetLastError());
  return handle;
}

void* symbol(void* handle, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle), name));
}

fs::path program_folder() {
  std::wstring path(32768, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return fs::path(path).parent_path();
}
#else
void* load(const fs::path& path, std::string& why) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* said = dlerror();
    why = said ? said : "unknown";
  }
  return handle;
}

void* symbol(void* handle, const char* name) { return dlsym(handle, name); }

fs::path program_folder() {
#ifdef __APPLE__
  std::uint32_t size = 0;
  _NSGetExecutablePath(nullptr, &size);
  std::string path(size, '\0');
  if (_NSGetExecutablePath(path.data(), &size) != 0) return {};
  return fs::path(path.c_str()).parent_path();
#else
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
#endif
}
#endif

/// libonnxruntime.so, libonnxruntime.so.1, libonnxruntime.so.1.32.0, libonnxruntime.1.32.0.dylib
bool is_the_library(const std::string& name) {
  const std::string plain = kPlain;
  if (name == plain) return true;
  const std::string stem = plain.substr(0, plain.rfind('.')), ending = plain.substr(stem.size());
  const auto is_version = [](const std::string& text) {
    return text.size() > 1 && text[0] == '.' &&
           text.find_first_not_of(".0123456789") == std::string::npos;
  };
  if (name.compare(0, plain.size(), plain) == 0) return is_version(name.substr(plain.size()));
  return name.size() > plain.size() && name.compare(0, stem.size(), stem) == 0 &&
         name.compare(name.size() - ending.size(), ending.size(), ending) == 0 &&
         is_version(name.substr(stem.size(), name.size() - plain.size()));
}

/// The one with the shortest name: a link to the others, where there is one.
std::optional<fs::path> library_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = utf8_name(entry->path().filename());
    if (is_the_library(name)) names.push_back(name);
  }
  if (names.empty()) return std::nullopt;
  return folder / utf8_path(*std::min_element(names.begin(), names.end(), [](auto& a, auto& b) {
           return a.size() != b.size() ? a.size() < b.size() : a < b;
         }));
}

std::string native_folder() {
#if defined(_WIN32)
  std::string name = "win";
#elif defined(__APPLE__)
  std::string name = "osx";
#else
  std::string name = "linux";
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
  return "runtimes/" + name + "-arm64/native";
#else
  return "runtimes/" + name + "-x64/native";
#endif
}

std::optional<fs::path> library_under(const fs::path& folder) {
  for (const std::string& below : {std::string(), std::string("lib"), std::string("capi"),
                                   std::string("onnxruntime/capi"), native_folder()}) {
    if (auto found = library_in(below.empty() ? folder : folder / below)) return found;
  }
  return std::nullopt;
}

const OrtApiBase* base_of(void* handle, const std::string& name) {
  using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();
  const auto get = reinterpret_cast<GetApiBase>(symbol(handle, "OrtGetApiBase"));
  if (!get) fail(name + " is not ONNX Runtime: it has no OrtGetApiBase");
  const OrtApiBase* base = get();
  if (!base) fail(name + " is not ONNX Runtime: OrtGetApiBase() gives nothing");
  return base;
}

OpenedLibrary open_file(const fs::path& path) {
  const std::string name = utf8_name(path);
  std::string why;
  void* handle = load(path, why);
  if (!handle) fail("onnxruntime cannot be opened: " + why.substr(0, why.find('\n')));
  return {name, base_of(handle, name)};
}

/// `said_by`: who names this place, for messages.
OpenedLibrary open_place(const std::string& place, const std::string& said_by) {
  const fs::path path = utf8_path(place);
  std::error_code error;
  if (!fs::exists(path, error)) fail(said_by + ": " + place + " does not exist");
  if (!fs::is_directory(path, error)) return open_file(path);
  const auto found = library_under(path);
  if (!found) {
    fail(said_by + ": " + place + " has no " + kPlain + ", nor have lib, onnxruntime/capi and " +
         native_folder() + " in it");
  }
  return open_file(*found);
}

std::vector<std::string> loader_names() {
  std::vector<std::string> names = {kPlain};
#if defined(__linux__)
  const std::string plain = std::string(kPlain) + ".1";
  names.push_back(plain);
  for (int minor = kNewestName; minor >= kOldestName; --minor) {
    names.push_back(plain + "." + std::to_string(minor));
  }
#endif
  return names;
}

}  // namespace

OpenedLibrary open_library(const std::string& place) {
  if (!place.empty()) return open_place(place, "the library of onnxruntime");
  if (const char* named = std::getenv("EDGECV_ONNXRUNTIME"); named && *named) {
    return open_place(named, "EDGECV_ONNXRUNTIME");
  }
  if (const fs::path program = program_folder(); !program.empty()) {
    for (const fs::path& folder : {program, program.parent_path() / "lib"}) {
      if (const auto found = library_in(folder)) return open_file(*found);
    }
  }
  for (const std::string& name : loader_names()) {
    std::string why;
    if (void* handle = load(name, why)) return {name, base_of(handle, name)};
  }
  fail(
      std::string("onnxruntime is not found: ") + kPlain +
      " lies neither beside the program nor where the system's loader looks; install ONNX Runtime, "
      "or set EDGECV_ONNXRUNTIME to its library or folder (with pip's: site-packages)");
}

}  // namespace edgecv::onnxruntime
