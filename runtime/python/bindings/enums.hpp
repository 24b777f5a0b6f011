// Enums are strings in Python.
#pragma once

#include <string>

#include "bundle/names.hpp"
#include "edgecv/error.hpp"

namespace edgecv::bindings {

/// The enum's value of that name; throws Error (invalid_input) naming the argument and the choices.
template <typename Enum>
Enum parse(const std::string& name, const char* argument) {
  if (const auto value = from_name<Enum>(name)) return *value;
  throw Error(ErrorCode::invalid_input, std::string(argument) + ": expected one of " +
                                            all_names<Enum>() + ", got \"" + name + "\"");
}

}  // namespace edgecv::bindings
