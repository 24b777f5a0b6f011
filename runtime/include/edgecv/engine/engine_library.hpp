// Engines from shared libraries that the program opens when it runs.
//
//   edgecv::load_engine_library("/opt/camera/libmixer_engine.so");
//   auto detector = edgecv::load<edgecv::Detector>("street", {"mixer"});
//
// Such a library is linked with edgecv (static or shared), and says in one line what it has:
//
//   // edgecv::EngineKind mixer_kind();
//   // EDGECV_ENGINE_LIBRARY(mixer_kind)
#pragma once

#include <cstring>
#include <string>

#include "edgecv/engine/registry.hpp"
#include "edgecv/export.hpp"
#include "edgecv/version.hpp"

namespace edgecv {

/// Opens a shared library and registers the engines that it has; a second time changes nothing. It
/// stays open. C++ objects pass between the program and the library, so both must be built with the
/// same version of edgecv, and by compilers whose standard libraries agree. Throws Error: engine if
/// it cannot be opened, is no engine of edgecv's, or is of another version.
EDGECV_API void load_engine_library(const std::string& path);

/// The one function of such a library. Gives null, or the version of edgecv that it was built with
/// if that is not `version`; nothing was added then.
using EngineLibrary = const char* (*)(const char* version, void (*add)(const EngineKind& kind));

}  // namespace edgecv

#ifdef _WIN32
#define EDGECV_ENGINE_LIBRARY_EXPORT __declspec(dllexport)
#else
#define EDGECV_ENGINE_LIBRARY_EXPORT __attribute__((visibility("default")))
#endif

/// Defines it; `kind` is a function that gives an EngineKind.
#define EDGECV_ENGINE_LIBRARY(kind)                                          \
  extern "C" EDGECV_ENGINE_LIBRARY_EXPORT const char* edgecv_engine_library( \
      const char* version, void (*add)(const edgecv::EngineKind&)) {         \
    if (std::strcmp(version, EDGECV_VERSION) != 0) return EDGECV_VERSION;    \
    add(kind());                                                             \
    return nullptr;                                                          \
  }
