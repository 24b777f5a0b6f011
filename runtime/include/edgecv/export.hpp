// What the shared library shows to others; everything else in it is hidden.
//
//   class EDGECV_API Counter {};
//   EDGECV_API int next_frame(int frame);
//
// The CMake package and the pkg-config file define EDGECV_SHARED for a shared library. With a
// static one the marks are empty, so that a plug-in that contains edgecv does not show it either.
// EDGECV_THROWN is never empty: libraries that each contain edgecv catch each other's exceptions,
// for which libc++ wants one type, not two of a name.
#pragma once

#if defined(_WIN32)
#define EDGECV_THROWN EDGECV_API
#else
#define EDGECV_THROWN __attribute__((visibility("default")))
#endif

#if !defined(EDGECV_SHARED)
#define EDGECV_API
#define EDGECV_ENGINE_API
#elif defined(_WIN32)
#if defined(EDGECV_BUILDING)
#define EDGECV_API __declspec(dllexport)
#else
#define EDGECV_API __declspec(dllimport)
#endif
#if defined(EDGECV_BUILDING_ENGINE)
#define EDGECV_ENGINE_API __declspec(dllexport)
#else
#define EDGECV_ENGINE_API __declspec(dllimport)
#endif
#else
#define EDGECV_API __attribute__((visibility("default")))
#define EDGECV_ENGINE_API __attribute__((visibility("default")))  // of an engine's own library
#endif
