// bundle.json with postprocess.method "stylize".
#include <doctest/doctest.h>

#include <string>

#include "edgecv/bundle/manifest.hpp"
#include "edgecv/error.hpp"
#include "refusal.hpp"

using edgecv::Manifest;
using edgecv::StylizeSpec;

namespace {

std::string graph(const std::string& inputs, const std::string& outputs) {
  return R"([{"file": "g.onnx", "sha256": ")" + std::string(64, 'a') +
         R"(", "precision": "fp32", "dialect": "onnx", "inputs": [)" + inputs +
         R"(], "outputs": [)" + outputs + "]}]";
}

std::string tensor(const std::string& name, const std::string& shape) {
  return R"({"name": ")" + name + R"(", "dtype": "float32", "shape": )" + shape + "}";
}

const std::string images = tensor("images", "[null, 3, null, null]");
const std::string image = tensor("picture", "[null, 3, null, null]");

std::string manifest_text() {
  return R"({"schema": 2, "name": "candy", "task": "stylize", "architecture": "style_transform",
 "labels": [],
 "input": {"color": "rgb", "size": null, "resize": "none", "max_size": null,
           "align": "center", "crop": null, "interpolation": "bilinear", "antialias": false,
           "scale": 1.0, "mean": [0, 0, 0], "std": [1, 1, 1], "pad_value": 0.0, "pad_multiple": 1,
           "dtype": "float32", "layout": "nchw"},
 "graphs": {"main": )" +
         graph(images, image) + R"(, "statistics": )" +
         graph(images, tensor("statistics", "[null, 2, 40]")) + R"(, "tile": )" +
         graph(images + ", " + tensor("statistics", "[1, 2, 40]"), image) + R"(},
 "postprocess": {"method": "stylize",
   "picture": {"output": "picture", "color": "rgb", "scale": 1.0, "offset": 0.0},
   "smallest_side": 8,
   "tiles": {"size": [512, 256], "overlap": 0.25, "thumbnail": 1024, "align": 4,
             "above": 4000000}},
 "provenance": {}})";
}

std::string refusal(const std::string& from, const std::string& to) {
  std::string text = manifest_text();
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return edgecv::testing::manifest_refusal(text.replace(at, from.size(), to));
}

}  // namespace

TEST_CASE("stylize is read, and written as it was read") {
  const Manifest first = Manifest::from_json(manifest_text());
  const auto& spec = std::get<StylizeSpec>(first.postprocess);
  CHECK(spec.picture_output == "picture");
  CHECK(spec.color == edgecv::Color::rgb);
  CHECK(spec.scale == 1.0);
  CHECK(spec.smallest_side == 8);
  REQUIRE(spec.tiles.has_value());
  CHECK(spec.tiles->size == edgecv::Size{512, 256});
  CHECK(spec.tiles->overlap == 0.25);
  CHECK(spec.tiles->thumbnail == 1024);
  CHECK(spec.tiles->align == 4);
  CHECK(spec.tiles->above == 4000000);
  CHECK(Manifest::from_json(first.to_json()).to_json() == first.to_json());
}

TEST_CASE("without tiles there is one graph") {
  Manifest manifest = Manifest::from_json(manifest_text());
  std::get<StylizeSpec>(manifest.postprocess).tiles.reset();
  CHECK_THROWS_AS(manifest.to_json(), edgecv::Error);  // the roles of tiles are left over
  manifest.graphs.erase("statistics");
  manifest.graphs.erase("tile");
  const Manifest again = Manifest::from_json(manifest.to_json());
  CHECK_FALSE(std::get<StylizeSpec>(again.postprocess).tiles.has_value());
}

TEST_CASE("what stylize cannot be is refused, and named") {
  struct Case {
    const char *from, *to, *expected;
  };
  const Case cases[] = {
      {"\"schema\": 2", "\"schema\": 1",
       "schema: expected 2 or above, since postprocess.method is stylize"},
      {"\"task\": \"stylize\"", "\"task\": \"segment\"", "labels: expected 1 to 100000 names"},
      {"\"labels\": []", "\"labels\": [\"a\"]", "labels: expected none for stylize, got 1"},
      {"\"crop\": null", "\"crop\": [8, 8]", "input: expected no crop"},
      {"\"color\": \"rgb\", \"scale\"", "\"color\": \"gray\", \"scale\"",
       "postprocess.picture.color: expected rgb or bgr, got gray"},
      {"\"scale\": 1.0, \"offset\"", "\"scale\": 0, \"offset\"", "postprocess.picture.scale"},
      {"\"smallest_side\": 8", "\"smallest_side\": 0", "postprocess.smallest_side: expected 1 to"},
      {"\"overlap\": 0.25", "\"overlap\": 1.0",
       "postprocess.tiles.overlap: expected a number from 0 and below 1, got 1"},
      {"\"overlap\": 0.25", "\"overlap\": 0.251", "postprocess.tiles.size: expected sides"},
      {"[512, 256]", "[510, 256]", "postprocess.tiles.size: expected sides"},
      {"\"align\": 4", "\"align\": 3", "postprocess.tiles.align: expected an even number, got 3"},
      {"\"thumbnail\": 1024", "\"thumbnail\": 4",
       "postprocess.tiles.thumbnail: expected at least smallest_side, got 4"},
      {"\"above\": 4000000", "\"above\": -1", "postprocess.tiles.above: expected 0 or above"},
      {"\"resize\": \"none\"", "\"resize\": \"shortest_edge\"", "input"},
      {"\"statistics\": [", "\"mask\": [", "graphs.statistics: missing"},
      {"[1, 2, 40]", "[1, 3, 40]", "graphs.tile[0].inputs"},
      {"[null, 2, 40]", "[null, 80]", "graphs.statistics[0].outputs"},
      {"\"output\": \"picture\"", "\"output\": \"image\"",
       "postprocess.picture.output: expected an output of graphs.tile[0]"},
  };
  for (const Case& one : cases) {
    const std::string message = refusal(one.from, one.to);
    CAPTURE(message);
    CHECK(message.find(one.expected) != std::string::npos);
  }
}
