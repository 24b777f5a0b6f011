// Text from the core as str, whatever bytes the names of files in it have.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace edgecv::bindings {

/// A path, so that os.fsencode gives its bytes again.
inline nanobind::object path_text(const std::string& path) {
  return nanobind::steal(
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

/// A message; bytes that are no UTF-8 become surrogates, as in Python's own names of files.
inline nanobind::object message_text(const char* message) {
  return nanobind::steal(PyUnicode_DecodeUTF8(
      message, static_cast<Py_ssize_t>(std::char_traits<char>::length(message)),
      "surrogateescape"));
}

/// Text of Python as the core has it, surrogates as the bytes that they stand for.
inline std::string bytes_of(const nanobind::str& text) {
  const nanobind::object bytes =
      nanobind::steal(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogateescape"));
  if (!bytes.is_valid()) throw nanobind::python_error();
  return {PyBytes_AsString(bytes.ptr()), static_cast<std::size_t>(PyBytes_Size(bytes.ptr()))};
}

}  // namespace edgecv::bindings
