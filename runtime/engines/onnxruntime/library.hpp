// ONNX Runtime's shared library, opened at run time, and the version of its C interface that both
// sides know.
#pragma once

#include <onnxruntime_c_api.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "edgecv/engine/onnxruntime.hpp"
#include "edgecv/error.hpp"

namespace edgecv::onnxruntime {

class Library {
 public:
  /// What find_onnxruntime() describes; opened once in a process and never closed, as its threads
  /// may outlive everything. Throws Error (engine).
  static std::shared_ptr<const Library> open(const std::string& place);
  /// The application's own.
  static std::shared_ptr<const Library> of(const OrtApiBase& base);

  const OrtApi& api() const { return *api_; }
  /// Functions of later versions of the interface must not be called.
  int api_version() const { return api_version_; }
  const std::string& version() const { return version_; }
  const std::string& path() const { return path_; }

  /// The process's environment of this library; made when first needed, never released.
  OrtEnv* env() const;

  /// Full names of the providers that it was built with.
  std::vector<std::string> providers() const;

  /// Throws Error (engine): `what` and ONNX Runtime's message in one line, if the status is one of
  /// failure. Releases it.
  void check(OrtStatus* status, const std::string& what = "onnxruntime failed") const;

 private:
  Library(const OrtApiBase& base, std::string path);

  std::string path_, version_;
  const OrtApi* api_ = nullptr;
  int api_version_ = 0;
  mutable std::mutex mutex_;
  mutable OrtEnv* env_ = nullptr;
};

/// An object of ONNX Runtime's, released by the function of the C interface that is for it.
template <typename T>
using Handle = std::unique_ptr<T, void(ORT_API_CALL*)(T*)>;

/// A path as ONNX Runtime's functions take it, of one in UTF-8.
std::basic_string<ORTCHAR_T> to_ort_path(const std::string& path);

}  // namespace edgecv::onnxruntime
