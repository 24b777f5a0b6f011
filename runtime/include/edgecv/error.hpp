// The one exception type that the library throws.
//
//   try {
//     edgecv::Bundle::open("street");
//   } catch (const edgecv::Error& error) {
//     std::fprintf(stderr, "%s\n", error.what());
//   }
#pragma once

#include <stdexcept>
#include <string>

namespace edgecv {

enum class ErrorCode {
  invalid_input,  // an image, tensor or argument from the caller
  bad_bundle,     // a manifest or a file of a bundle
  engine,         // an inference engine: not there, cannot load, failed, or gave unusable outputs
  internal,       // a fault of this library
};

/// Says in one line what is wrong, what was expected and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace edgecv
