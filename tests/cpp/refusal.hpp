// What a call that should fail says.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "edgecv/bundle/manifest.hpp"
#include "edgecv/error.hpp"

namespace edgecv::testing {

/// The message of the error that `action` throws, which must have this code and be one line; "" if
/// it throws none.
template <typename Action>
std::string refusal(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "";
}

/// That of reading a manifest.
inline std::string manifest_refusal(const std::string& text) {
  return refusal(ErrorCode::bad_bundle, [&] { Manifest::from_json(text); });
}

}  // namespace edgecv::testing
