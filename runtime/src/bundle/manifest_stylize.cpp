// postprocess.method "stylize" in bundle.json: read, written and checked.
#include <cmath>

#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/manifest_values.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {
namespace {

StylizeTiles read_tiles(const JsonNode& node) {
  const JsonObject object = node.object({"size", "overlap", "thumbnail", "align", "above"});
  StylizeTiles tiles;
  tiles.size = object["size"].size();
  tiles.overlap = object["overlap"].number();
  tiles.thumbnail = object["thumbnail"].integer();
  tiles.align = object["align"].integer();
  tiles.above = object["above"].integer64();
  return tiles;
}

void require_side(int value, const std::string& path) {
  if (value < 1 || value > max_side) {
    bad_value(path, "1 to " + std::to_string(max_side) + " pixels", std::to_string(value));
  }
}

/// The distance from one tile to the next, along an axis.
int interval(int side, double overlap) { return static_cast<int>(side * (1 - overlap)); }

void check_tiles(const Manifest& manifest, const StylizeSpec& spec) {
  const std::string path = "postprocess.tiles";
  const StylizeTiles& tiles = *spec.tiles;
  require_side(tiles.align, path + ".align");
  if (tiles.align % 2 != 0) {  // two pixels of a camera's image may share their colour
    bad_value(path + ".align", "an even number", std::to_string(tiles.align));
  }
  require_side(tiles.thumbnail, path + ".thumbnail");
  if (tiles.thumbnail < spec.smallest_side) {
    bad_value(path + ".thumbnail", "at least smallest_side", std::to_string(tiles.thumbnail));
  }
  if (!(tiles.overlap >= 0 && tiles.overlap < 1)) {
    bad_value(path + ".overlap", "a number from 0 and below 1", shortest_digits(tiles.overlap));
  }
  for (const int side : {tiles.size.height, tiles.size.width}) {
    require_side(side, path + ".size");
    const int step = interval(side, tiles.overlap);
    if (side < spec.smallest_side || side % tiles.align != 0 || step < 1 ||
        step % tiles.align != 0) {
      bad_value(path + ".size",
                "sides from smallest_side on which, and whose distance size * (1 - overlap), are "
                "multiples of align",
                std::to_string(side));
    }
  }
  if (tiles.above < 0) bad_value(path + ".above", "0 or above", std::to_string(tiles.above));
  const InputSpec& input = manifest.input;
  if (input.resize != Resize::none || input.pad_multiple != 1) {
    bad_value(path, "null, since input.resize is not none or input.pad_multiple not 1", "tiles");
  }
}

void check_batch(const TensorSpec& tensor, const std::string& path) {
  if (!tensor.shape.empty() && !same_length(tensor.shape[0], 1)) {
    bad_value(path + ".shape", "a batch axis of 1 or null: images are run one by one",
              to_string(tensor.shape));
  }
}

void check_graphs(const Manifest& manifest, const std::string& role, std::size_t inputs,
                  const std::string& output, const Shape& expected) {
  const std::vector<GraphFile>& graphs = manifest.graphs.at(role);
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    const std::string path = item("graphs." + role, i);
    require_count(graphs[i].inputs.size(), inputs, path + ".inputs",
                  inputs == 1 ? "tensor of images" : "tensors: images, statistics");
    check_image_tensor(manifest, graphs[i].inputs[0], path + ".inputs[0]");
    check_batch(graphs[i].inputs[0], path + ".inputs[0]");
    if (inputs == 2) {
      if (graphs[i].inputs[1].name != statistics_name) {
        bad_value(path + ".inputs[1].name", quoted(statistics_name),
                  quoted(graphs[i].inputs[1].name));
      }
      check_float_tensor(graphs[i].inputs[1], {1, 2, -1}, "mean and 1 / deviation of each channel",
                         path + ".inputs");
    }
    const std::string key =
        output == statistics_name ? path + ".outputs" : "postprocess.picture.output";
    check_float_tensor(find_output(graphs[i], path, output, key), expected,
                       output == statistics_name ? "mean and 1 / deviation of each channel"
                                                 : "images, channels, height, width",
                       path + ".outputs");
  }
}

}  // namespace

StylizeSpec read_stylize(const JsonNode& node) {
  const JsonObject object = node.object({"method", "picture", "smallest_side", "tiles"});
  StylizeSpec spec;
  const JsonObject image = object["picture"].object({"output", "color", "scale", "offset"});
  spec.picture_output = image["output"].string();
  spec.color = image["color"].name<Color>();
  spec.scale = image["scale"].number();
  spec.offset = image["offset"].number();
  spec.smallest_side = object["smallest_side"].integer();
  if (!object["tiles"].is_null()) spec.tiles = read_tiles(object["tiles"]);
  return spec;
}

Json write(const StylizeSpec& spec) {
  Json object;
  object["method"] = "stylize";
  Json image;
  image["output"] = spec.picture_output;
  image["color"] = name_of(spec.color);
  image["scale"] = spec.scale;
  image["offset"] = spec.offset;
  object["picture"] = image;
  object["smallest_side"] = spec.smallest_side;
  object["tiles"] = Json();
  if (spec.tiles) {
    Json tiles;
    tiles["size"] = size(spec.tiles->size);
    tiles["overlap"] = spec.tiles->overlap;
    tiles["thumbnail"] = spec.tiles->thumbnail;
    tiles["align"] = spec.tiles->align;
    tiles["above"] = spec.tiles->above;
    object["tiles"] = tiles;
  }
  return object;
}

void check(const Manifest& manifest, const StylizeSpec& spec) {
  check_method(manifest, "stylize", Task::stylize, 2);
  if (spec.color == Color::gray) bad_value("postprocess.picture.color", "rgb or bgr", "gray");
  for (const auto& [value, key] : {std::pair{spec.scale, "scale"}, {spec.offset, "offset"}}) {
    const float smallest = key[0] == 's' ? 1e-6f : 0;
    if (!(std::abs(value) >= smallest && std::abs(value) <= 1e6f)) {
      bad_value(std::string("postprocess.picture.") + key, "a number in -1e6..1e6 (scale: not 0)",
                shortest_digits(value));
    }
  }
  require_side(spec.smallest_side, "postprocess.smallest_side");
  const InputSpec& input = manifest.input;
  if (input.crop || (input.resize == Resize::letterbox && input.align == Align::center)) {
    bad_value("input", "no crop, and align top_left with letterbox, since the result is an image",
              input.crop ? "a crop" : "align center");
  }
  if (spec.smallest_side > 1 && (input.dtype != DType::float32 || input.layout != Layout::nchw)) {
    bad_value("postprocess.smallest_side", "1, since the input is not float32 in nchw",
              std::to_string(spec.smallest_side));
  }
  if (spec.tiles) {
    check_roles(manifest, {"main", "statistics", "tile"});
    check_tiles(manifest, spec);
    check_graphs(manifest, "statistics", 1, statistics_name, {1, 2, -1});
    check_graphs(manifest, "tile", 2, spec.picture_output, {1, 3, -1, -1});
  } else {
    check_roles(manifest, {"main"});
  }
  check_graphs(manifest, "main", 1, spec.picture_output, {1, 3, -1, -1});
}

}  // namespace edgecv
