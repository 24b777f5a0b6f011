#include "edgecv/engine/engine_library.hpp"

#include "bundle/utf8_path.hpp"
#include "edgecv/error.hpp"

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace edgecv {
namespace {

void* open_library(const std::string& path, std::string& why) {
#ifdef _WIN32
  void* handle = LoadLibraryExW(utf8_path(path).c_str(), nullptr, 0);
  if (!handle) why = "error " + std::to_string(GetLastError());
#else
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* said = dlerror();
    why = said ? said : "unknown";
    why.resize(why.find('\n') == std::string::npos ? why.size() : why.find('\n'));
  }
#endif
  return handle;
}

EngineLibrary entry_of(void* handle) {
#ifdef _WIN32
  return reinterpret_cast<EngineLibrary>(reinterpret_cast<void*>(
      GetProcAddress(static_cast<HMODULE>(handle), "edgecv_engine_library")));
#else
  return reinterpret_cast<EngineLibrary>(dlsym(handle, "edgecv_engine_library"));
#endif
}

}  // namespace

void load_engine_library(const std::string& path) {
  std::string why;
  void* handle = open_library(path, why);
  if (!handle) throw Error(ErrorCode::engine, "the library of an engine cannot be opened: " + why);
  const EngineLibrary entry = entry_of(handle);
  if (!entry) {
    throw Error(ErrorCode::engine, path +
                                       " has no engine of edgecv: it lacks the function "
                                       "edgecv_engine_library, see EDGECV_ENGINE_LIBRARY");
  }
  const char* other = entry(EDGECV_VERSION, [](const EngineKind& kind) { register_engine(kind); });
  if (other) {
    throw Error(ErrorCode::engine, path + " was built with edgecv " + other + ", this is edgecv " +
                                       EDGECV_VERSION + ": build it anew");
  }
}

}  // namespace edgecv
