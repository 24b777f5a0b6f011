// The lower-case names of the enums, in one table each, for bundle.json and for the bindings.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "edgecv/boxes/boxes.hpp"
#include "edgecv/bundle/manifest.hpp"
#include "edgecv/detection/ssd.hpp"
#include "edgecv/engine/tensor.hpp"
#include "edgecv/image/input_spec.hpp"
#include "edgecv/segmentation/segment.hpp"
#include "edgecv/style/stylizer.hpp"
#include "edgecv/zones/zone_counter.hpp"

namespace edgecv {

template <typename Enum>
struct NameTable;  // `entries`: each value with its name

template <>
struct NameTable<Color> {
  static constexpr std::pair<Color, const char*> entries[] = {
      {Color::rgb, "rgb"}, {Color::bgr, "bgr"}, {Color::gray, "gray"}};
};

template <>
struct NameTable<PixelFormat> {
  static constexpr std::pair<PixelFormat, const char*> entries[] = {
      {PixelFormat::bgr, "bgr"},   {PixelFormat::rgb, "rgb"},   {PixelFormat::bgra, "bgra"},
      {PixelFormat::rgba, "rgba"}, {PixelFormat::gray, "gray"}, {PixelFormat::nv12, "nv12"},
      {PixelFormat::yuyv, "yuyv"}, {PixelFormat::i420, "i420"}, {PixelFormat::yvyu, "yvyu"},
      {PixelFormat::p010, "p010"}};
};

template <>
struct NameTable<Resize> {
  static constexpr std::pair<Resize, const char*> entries[] = {
      {Resize::stretch, "stretch"},
      {Resize::letterbox, "letterbox"},
      {Resize::shortest_edge, "shortest_edge"},
      {Resize::none, "none"}};
};

template <>
struct NameTable<Align> {
  static constexpr std::pair<Align, const char*> entries[] = {{Align::center, "center"},
                                                              {Align::top_left, "top_left"}};
};

template <>
struct NameTable<Interpolation> {
  static constexpr std::pair<Interpolation, const char*> entries[] = {
      {Interpolation::bilinear, "bilinear"},
      {Interpolation::nearest, "nearest"},
      {Interpolation::bicubic, "bicubic"}};
};

template <>
struct NameTable<Layout> {
  static constexpr std::pair<Layout, const char*> entries[] = {{Layout::nchw, "nchw"},
                                                               {Layout::nhwc, "nhwc"}};
};

template <>
struct NameTable<DType> {
  static constexpr std::pair<DType, const char*> entries[] = {{DType::float32, "float32"},
                                                              {DType::float16, "float16"},
                                                              {DType::uint8, "uint8"},
                                                              {DType::int32, "int32"},
                                                              {DType::int64, "int64"}};
};

template <>
struct NameTable<Task> {
  static constexpr std::pair<Task, const char*> entries[] = {{Task::classify, "classify"},
                                                             {Task::detect, "detect"},
                                                             {Task::instance, "instance"},
                                                             {Task::segment, "segment"},
                                                             {Task::stylize, "stylize"}};
};

template <>
struct NameTable<Tiling> {
  static constexpr std::pair<Tiling, const char*> entries[] = {
      {Tiling::automatic, "auto"}, {Tiling::never, "never"}, {Tiling::always, "always"}};
};

template <>
struct NameTable<ScoreFunction> {
  static constexpr std::pair<ScoreFunction, const char*> entries[] = {
      {ScoreFunction::softmax, "softmax"},
      {ScoreFunction::sigmoid, "sigmoid"},
      {ScoreFunction::none, "none"}};
};

template <>
struct NameTable<WindowWeight> {
  static constexpr std::pair<WindowWeight, const char*> entries[] = {
      {WindowWeight::uniform, "uniform"},
      {WindowWeight::gaussian, "gaussian"},
      {WindowWeight::linear, "linear"}};
};

template <>
struct NameTable<Background> {
  static constexpr std::pair<Background, const char*> entries[] = {
      {Background::first, "first"}, {Background::last, "last"}, {Background::none, "none"}};
};

template <>
struct NameTable<BoxAnchor> {
  static constexpr std::pair<BoxAnchor, const char*> entries[] = {
      {BoxAnchor::bottom, "bottom"}, {BoxAnchor::center, "center"}, {BoxAnchor::top, "top"}};
};

template <>
struct NameTable<ZoneEventKind> {
  static constexpr std::pair<ZoneEventKind, const char*> entries[] = {
      {ZoneEventKind::enter, "enter"},   {ZoneEventKind::exit, "exit"},
      {ZoneEventKind::appear, "appear"}, {ZoneEventKind::vanish, "vanish"},
      {ZoneEventKind::in, "in"},         {ZoneEventKind::out, "out"}};
};

template <>
struct NameTable<BoxFormat> {
  static constexpr std::pair<BoxFormat, const char*> entries[] = {
      {BoxFormat::xyxy, "xyxy"}, {BoxFormat::cxcywh, "cxcywh"}, {BoxFormat::xywh, "xywh"}};
};

/// "rgb" for Color::rgb; "?" for a value that the enum does not have.
template <typename Enum>
constexpr const char* name_of(Enum value) {
  for (const auto& [entry, name] : NameTable<Enum>::entries) {
    if (entry == value) return name;
  }
  return "?";
}

/// The value with that name, or nothing.
template <typename Enum>
std::optional<Enum> from_name(std::string_view name) {
  for (const auto& [entry, text] : NameTable<Enum>::entries) {
    if (name == text) return entry;
  }
  return std::nullopt;
}

/// "rgb, bgr, gray"
template <typename Enum>
std::string all_names() {
  std::string names;
  for (const auto& entry : NameTable<Enum>::entries) {
    if (!names.empty()) names += ", ";
    names += entry.second;
  }
  return names;
}

}  // namespace edgecv
