#include <doctest/doctest.h>

#include "edgecv/engine/tensor.hpp"
#include "edgecv/error.hpp"

using edgecv::DType;

TEST_CASE("shapes as text and counts") {
  CHECK(edgecv::to_string(edgecv::Shape{}) == "[]");
  CHECK(edgecv::to_string(edgecv::Shape{-1, 3, 320, 320}) == "[?, 3, 320, 320]");
  CHECK(edgecv::element_count({}) == 1);
  CHECK(edgecv::element_count({2, 3, 4}) == 24);
  CHECK(edgecv::element_count({2, 0, 4}) == 0);
  CHECK_THROWS_WITH_AS(edgecv::element_count({-1, 3}),
                       "shape [?, 3] has an axis of unknown length, so no element count",
                       edgecv::Error);
  CHECK_THROWS_AS(edgecv::element_count({std::int64_t{1} << 62, 4}), edgecv::Error);
}

TEST_CASE("sizes and names of dtypes") {
  CHECK(edgecv::element_size(DType::float32) == 4);
  CHECK(edgecv::element_size(DType::float16) == 2);
  CHECK(edgecv::element_size(DType::uint8) == 1);
  CHECK(edgecv::element_size(DType::int32) == 4);
  CHECK(edgecv::element_size(DType::int64) == 8);
  CHECK(std::string(edgecv::to_string(DType::float16)) == "float16");
}
