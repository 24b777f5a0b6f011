// The one exception type that the library throws.
//
//   try {
//     edgecv::Bundle::open("street");
//   } catch (const edgecv::Error& error) {
//     std::fprintf(stderr, "%s\n", error.what());
//     const bool worth_another_try = !error.is_callers_mistake();
//   }
#pragma once

#include <stdexcept>
#include <string>

#include "edgecv/export.hpp"

// Errors pass through code without exceptions like any other: to the end of the program.
#if defined(__GNUC__) && !defined(__EXCEPTIONS) && !defined(EDGECV_WITHOUT_EXCEPTIONS)
// Define EDGECV_WITHOUT_EXCEPTIONS to accept that, or compile the files that call edgecv with them.
#warning "edgecv: a program without exceptions ends at the first error; see error.hpp"
#endif

namespace edgecv {

enum class ErrorCode {
  invalid_input,  // an image, tensor or argument from the caller
  bad_bundle,     // a manifest or a file of a bundle
  engine,         // an inference engine: not there, cannot load, failed, or gave unusable outputs
  internal,       // a fault of this library
  system,         // the machine: it starts no more threads
  canceled,       // a submitted call that was cancelled before it began
};

/// Says in one line what is wrong, what was expected and what to do.
class EDGECV_THROWN Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

  /// True where the caller gave what cannot be used: an argument, an image, a file. False where the
  /// machine, an engine or this library failed.
  bool is_callers_mistake() const noexcept {
    return code_ == ErrorCode::invalid_input || code_ == ErrorCode::bad_bundle;
  }

 private:
  ErrorCode code_;
};

}  // namespace edgecv
