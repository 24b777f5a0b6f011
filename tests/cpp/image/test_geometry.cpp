#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

#include "edgecv/error.hpp"
#include "edgecv/image/preprocess.hpp"
#include "refusal.hpp"

using namespace edgecv;

namespace {

InputSpec with(Resize resize, int height, int width) {
  InputSpec spec;
  spec.resize = resize;
  spec.size = Size{height, width};
  return spec;
}

std::string message_of(const std::function<void()>& call) {
  return testing::refusal(ErrorCode::invalid_input, call);
}

}  // namespace

TEST_CASE("stretch and none") {
  const Geometry stretch = plan(with(Resize::stretch, 300, 200), {480, 641});
  CHECK(stretch.image == Size{480, 641});
  CHECK(stretch.resized == Size{300, 200});
  CHECK(stretch.tensor == Size{300, 200});
  CHECK(stretch.offset_x == 0);
  CHECK(stretch.offset_y == 0);
  CHECK(stretch.scale_x() == 641.0f / 200.0f);
  CHECK(stretch.scale_y() == 480.0f / 300.0f);

  InputSpec none;
  none.resize = Resize::none;
  none.pad_multiple = 32;
  CHECK(plan(none, {480, 641}).resized == Size{480, 641});
  CHECK(plan(none, {480, 641}).tensor == Size{480, 672});
}

TEST_CASE("letterbox") {
  InputSpec spec = with(Resize::letterbox, 640, 640);
  Geometry geometry = plan(spec, {1080, 1920});
  CHECK(geometry.resized == Size{360, 640});
  CHECK(geometry.tensor == Size{640, 640});
  CHECK(geometry.offset_y == 140);
  CHECK(geometry.offset_x == 0);

  geometry = plan(spec, {500, 333});  // 333 * 1.28 = 426.24
  CHECK(geometry.resized == Size{640, 426});
  CHECK(geometry.offset_x == 107);

  spec.align = Align::top_left;
  CHECK(plan(spec, {500, 333}).offset_x == 0);
  CHECK(plan(spec, {65535, 1}).resized == Size{640, 1});
}

TEST_CASE("shortest_edge without max_size: transforms.Resize") {
  const InputSpec spec = with(Resize::shortest_edge, 256, 256);
  CHECK(plan(spec, {480, 641}).resized == Size{256, 341});  // 341.87
  CHECK(plan(spec, {641, 480}).resized == Size{341, 256});
  CHECK(plan(spec, {100, 100}).resized == Size{256, 256});
}

TEST_CASE("shortest_edge with max_size: the detection transform") {
  InputSpec spec = with(Resize::shortest_edge, 800, 800);
  spec.max_size = 1333;
  spec.pad_multiple = 32;
  CHECK(plan(spec, {480, 640}).resized == Size{800, 1066});
  CHECK(plan(spec, {480, 640}).tensor == Size{800, 1088});
  CHECK(plan(spec, {1080, 1920}).resized == Size{749, 1333});
  CHECK(plan(spec, {1, 4000}).resized == Size{1, 1333});
}

TEST_CASE("centre crop") {
  InputSpec spec = with(Resize::shortest_edge, 256, 256);
  spec.crop = Size{224, 224};
  Geometry geometry = plan(spec, {480, 641});  // 256 x 341, of which 117 columns go
  CHECK(geometry.tensor == Size{224, 224});
  CHECK(geometry.offset_y == -16);
  CHECK(geometry.offset_x == -58);  // round(58.5) goes to even, as in torchvision

  spec.crop = Size{300, 224};  // higher than the image: padded, the odd row below
  geometry = plan(spec, {481, 600});
  CHECK(geometry.resized == Size{256, 319});
  CHECK(geometry.tensor == Size{300, 224});
  CHECK(geometry.offset_y == 22);
  CHECK(geometry.offset_x == -48);  // 47.5
}

TEST_CASE("an image that cannot be planned") {
  const InputSpec spec = with(Resize::shortest_edge, 256, 256);
  CHECK(message_of([&] { plan(spec, {0, 5}); }) ==
        "image: height and width are [0, 5], each must lie between 1 and 65535");
  CHECK(message_of([&] { plan(spec, {1, 65535}); }) ==
        "image: an image of [1, 65535] resized by shortest_edge to size 256 gets a side of more "
        "than 65535; set max_size in the input record");
}

TEST_CASE("check names the field of the record") {
  const InputSpec good = with(Resize::stretch, 10, 10);
  check(good);
  const auto message = [&](const std::function<void(InputSpec&)>& change) {
    InputSpec spec = good;
    change(spec);
    return message_of([&] { check(spec); });
  };
  CHECK(message([](InputSpec& s) { s.size.reset(); }) ==
        "input.size is null; only resize none goes without a size [height, width]");
  CHECK(message([](InputSpec& s) { s.resize = Resize::none; }) ==
        "input.size must be null with resize none");
  CHECK(message([](InputSpec& s) { s.size->width = 0; }) ==
        "input.size is 0, must lie between 1 and 65535");
  CHECK(message([](InputSpec& s) {
          s.resize = Resize::shortest_edge;
          s.size->width = 11;
        }) ==
        "input.size is [10, 11]; with resize shortest_edge both must be the length of the shorter "
        "side");
  CHECK(message([](InputSpec& s) { s.max_size = 5; }) ==
        "input.max_size is for resize shortest_edge only; set it to null");
  CHECK(message([](InputSpec& s) { s.crop = Size{5, -1}; }) ==
        "input.crop is -1, must lie between 1 and 65535");
  CHECK(message([](InputSpec& s) {
          s.antialias = true;
          s.interpolation = Interpolation::nearest;
        }) == "input.antialias needs interpolation bilinear or bicubic");
  CHECK(message([](InputSpec& s) { s.scale = 0; }) ==
        "input.scale is 0, must be 1e-6..1e6, or -1e6..-1e-6");
  CHECK(message([](InputSpec& s) { s.mean[1] = NAN; }) ==
        "input.mean[1] is nan, must lie in -1e6..1e6");
  CHECK(message([](InputSpec& s) { s.std[2] = 0; }) == "input.std[2] is 0, must lie in 1e-6..1e6");
  CHECK(message([](InputSpec& s) { s.pad_value = INFINITY; }) ==
        "input.pad_value is inf, must lie in -1e6..1e6");
  CHECK(message([](InputSpec& s) { s.pad_multiple = 0; }) ==
        "input.pad_multiple is 0, must lie between 1 and 65535");
  CHECK(message([](InputSpec& s) { s.dtype = DType::int64; }) ==
        "input.dtype must be float32, float16 or uint8");
}

TEST_CASE("check refuses a view that cannot be right") {
  const std::uint8_t data[64] = {};
  const auto message = [&](const std::function<void(Image&)>& change) {
    Image image{data, 4, 4, 12, PixelFormat::bgr, nullptr, 0};
    change(image);
    return message_of([&] { check(image); });
  };
  CHECK(message([](Image&) {}) == "");
  CHECK(message([](Image& i) { i.data = nullptr; }) ==
        "image: no data; data must point to the first row");
  CHECK(message([](Image& i) { i.height = 0; }) ==
        "image: height x width is 0 x 4, each must lie between 1 and 65535");
  CHECK(message([](Image& i) { i.width = 70000; }) ==
        "image: height x width is 4 x 70000, each must lie between 1 and 65535");
  CHECK(message([](Image& i) { i.stride = 11; }) ==
        "image: stride is 11 bytes, but a row takes 12; give the distance between rows in bytes");
  CHECK(message([](Image& i) { i.stride = -11; }) ==
        "image: stride is -11 bytes, but a row takes 12; give the distance between rows in bytes");
  CHECK(message([](Image& i) { i.stride = -12; }) == "");
  CHECK(message([](Image& i) { i.device = Device::cuda; }) ==
        "image: it lies on a CUDA device, expected host memory: copy it to the host first");
  CHECK(message([](Image& i) { i.format = static_cast<PixelFormat>(10); }) ==
        "image: unknown pixel format 10");
  CHECK(message([](Image& i) {
          i.format = PixelFormat::nv12;
          i.height = 3;
        }) == "image: NV12 needs an even height and width, got 3 x 4");
  CHECK(message([&](Image& i) {
          i.format = PixelFormat::nv12;
          i.chroma = data;
          i.chroma_stride = 3;
        }) ==
        "image: chroma_stride is 3 bytes, but a row takes 4; give the distance between rows in "
        "bytes");
  CHECK(message([](Image& i) {
          i.format = PixelFormat::nv12;
          i.stride = -12;
        }) == "image: stride is negative, so no chroma plane follows the luma plane: give chroma");
  CHECK(message([](Image& i) {
          i.format = PixelFormat::i420;
          i.stride = 5;
        }) ==
        "image: stride is 5 bytes, and half of it would be that of the chroma planes: give chroma "
        "and chroma_v");
  CHECK(message([&](Image& i) {
          i.format = PixelFormat::i420;
          i.chroma = data;
          i.chroma_stride = 2;
        }) == "image: I420 has two chroma planes; give chroma_v beside chroma, or neither");
  CHECK(message([&](Image& i) {
          i.format = PixelFormat::i420;
          i.chroma = i.chroma_v = data;
          i.chroma_stride = 1;
        }) ==
        "image: chroma_stride is 1 bytes, but a row takes 2; give the distance between rows in "
        "bytes");
  CHECK(message([](Image& i) {
          i.format = PixelFormat::p010;
          i.stride = 7;
        }) ==
        "image: stride is 7 bytes, but a row takes 8; give the distance between rows in bytes");
  CHECK(message([](Image& i) {
          i.format = PixelFormat::p010;
          i.width = 3;
        }) == "image: P010 needs an even height and width, got 4 x 3");
  CHECK(message([](Image& i) {
          i.format = PixelFormat::yvyu;
          i.width = 3;
        }) == "image: YVYU needs an even width, got 4 x 3");
  CHECK(message([](Image& i) {
          i.format = PixelFormat::yuyv;
          i.width = 3;
        }) == "image: YUYV needs an even width, got 4 x 3");
}

TEST_CASE("preprocess refuses a geometry that is not the image's") {
  const std::uint8_t data[48] = {};
  const Image image{data, 4, 4, 12, PixelFormat::bgr, nullptr, 0};
  const InputSpec spec = with(Resize::stretch, 2, 2);
  float output[12];
  CHECK(message_of([&] { preprocess(image, spec, plan(spec, {4, 5}), output); }) ==
        "preprocess: the geometry is not of this image; make it with plan()");
  CHECK(message_of([&] { preprocess(image, spec, plan(spec, {4, 4}), nullptr); }) ==
        "preprocess: output is null");
}
