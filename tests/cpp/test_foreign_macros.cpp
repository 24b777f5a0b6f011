// The headers beside macros of others: those of Windows, and of Apple's AssertMacros.h.
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#define min(a, b) a_macro_was_expanded(a, b)
#define max(a, b) a_macro_was_expanded(a, b)
#define check(assertion) a_macro_was_expanded(assertion)
#define verify(assertion) a_macro_was_expanded(assertion)
#define require(assertion, label) a_macro_was_expanded(assertion)

#include "edgecv/edgecv.hpp"

TEST_CASE("a function is called beside a macro of its name") {
  const edgecv::Image nothing;
  CHECK_THROWS_AS((edgecv::check)(nothing), edgecv::Error);
}
