// The oracle is a plain double-precision reading of the input record: one pixel at a time.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/image/preprocess.hpp"
#include "image/half.hpp"

using namespace edgecv;

namespace {

/// An image whose last row ends with the memory, so that the address sanitizer sees a read beyond.
struct TestImage {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> chroma, chroma_v;
  Image view;
};

int row_bytes(PixelFormat format, int width) {
  switch (format) {
    case PixelFormat::bgr:
    case PixelFormat::rgb:
      return 3 * width;
    case PixelFormat::bgra:
    case PixelFormat::rgba:
      return 4 * width;
    case PixelFormat::yuyv:
    case PixelFormat::yvyu:
    case PixelFormat::p010:
      return 2 * width;
    default:
      return width;
  }
}

bool has_planes(PixelFormat format) {
  return format == PixelFormat::nv12 || format == PixelFormat::i420 || format == PixelFormat::p010;
}

bool is_yuv(PixelFormat format) {
  return has_planes(format) || format == PixelFormat::yuyv || format == PixelFormat::yvyu;
}

TestImage random_image(PixelFormat format, Size size, int padding, bool own_chroma, unsigned seed) {
  std::mt19937 random(seed);
  TestImage image;
  const int bytes = row_bytes(format, size.width);
  const int stride = bytes + padding;
  int rows = size.height;
  if (has_planes(format) && !own_chroma) rows += size.height / 2;
  const bool half_rows = format == PixelFormat::i420;  // of the planes at the end
  image.bytes.resize(static_cast<std::size_t>(stride * (rows - 1) + (half_rows ? stride : bytes)));
  for (std::uint8_t& byte : image.bytes) byte = static_cast<std::uint8_t>(random());
  image.view = {image.bytes.data(), size.height, size.width, stride, format, nullptr, 0};
  if (own_chroma) {
    const int chroma_bytes = format == PixelFormat::i420 ? bytes / 2 : bytes;
    for (auto* plane : {&image.chroma, &image.chroma_v}) {
      plane->resize(
          static_cast<std::size_t>((chroma_bytes + 5) * (size.height / 2 - 1) + chroma_bytes));
      for (std::uint8_t& byte : *plane) byte = static_cast<std::uint8_t>(random());
    }
    image.view.chroma = image.chroma.data();
    image.view.chroma_stride = chroma_bytes + 5;
    if (format == PixelFormat::i420) image.view.chroma_v = image.chroma_v.data();
  }
  return image;
}

/// The image upside down: the same memory, read from its last row up.
Image from_the_bottom(const Image& image) {
  Image turned = image;
  turned.data += image.stride * (image.height - 1);
  turned.stride = -image.stride;
  if (has_planes(image.format)) {
    const bool i420 = image.format == PixelFormat::i420;
    const std::ptrdiff_t stride =
        image.chroma ? image.chroma_stride : (i420 ? image.stride / 2 : image.stride);
    const std::uint8_t* const first =
        image.chroma ? image.chroma : image.data + image.stride * image.height;
    const std::uint8_t* const second =
        image.chroma_v ? image.chroma_v : first + stride * (image.height / 2);
    turned.chroma = first + stride * (image.height / 2 - 1);
    if (i420) turned.chroma_v = second + stride * (image.height / 2 - 1);
    turned.chroma_stride = -stride;
  }
  return turned;
}

/// Of levels from 0 to 255, in parts of a level for ten bits.
std::array<double, 3> rgb_from_yuv(double y, double u, double v) {
  const auto round = [](double value) { return std::floor(std::clamp(value, 0.0, 255.0) + 0.5); };
  const double luma = 1.164 * std::max(y - 16, 0.0);
  return {round(luma + 1.596 * (v - 128)), round(luma - 0.813 * (v - 128) - 0.391 * (u - 128)),
          round(luma + 2.018 * (u - 128))};
}

std::array<double, 3> rgb_at(const Image& image, int y, int x) {
  const std::uint8_t* const row = image.data + image.stride * y;
  switch (image.format) {
    case PixelFormat::rgb:
      return {double(row[3 * x]), double(row[3 * x + 1]), double(row[3 * x + 2])};
    case PixelFormat::bgr:
      return {double(row[3 * x + 2]), double(row[3 * x + 1]), double(row[3 * x])};
    case PixelFormat::rgba:
      return {double(row[4 * x]), double(row[4 * x + 1]), double(row[4 * x + 2])};
    case PixelFormat::bgra:
      return {double(row[4 * x + 2]), double(row[4 * x + 1]), double(row[4 * x])};
    case PixelFormat::gray:
      return {double(row[x]), double(row[x]), double(row[x])};
    case PixelFormat::yuyv: {
      const std::uint8_t* const pair = row + 4 * (x / 2);
      return rgb_from_yuv(row[2 * x], pair[1], pair[3]);
    }
    case PixelFormat::yvyu: {
      const std::uint8_t* const pair = row + 4 * (x / 2);
      return rgb_from_yuv(row[2 * x], pair[3], pair[1]);
    }
    case PixelFormat::p010: {
      const auto level = [](const std::uint8_t* word) {
        return static_cast<double>((word[0] + 256 * word[1]) / 64) / 4;
      };
      const std::uint8_t* const chroma = image.chroma != nullptr
                                             ? image.chroma + image.chroma_stride * (y / 2)
                                             : image.data + image.stride * (image.height + y / 2);
      return rgb_from_yuv(level(row + 2 * x), level(chroma + x / 2 * 4),
                          level(chroma + x / 2 * 4 + 2));
    }
    case PixelFormat::i420: {
      const bool own = image.chroma != nullptr;
      const std::ptrdiff_t stride = own ? image.chroma_stride : image.stride / 2;
      const std::uint8_t* const u = own ? image.chroma : image.data + image.stride * image.height;
      const std::uint8_t* const v = own ? image.chroma_v : u + stride * (image.height / 2);
      return rgb_from_yuv(row[x], u[stride * (y / 2) + x / 2], v[stride * (y / 2) + x / 2]);
    }
    case PixelFormat::nv12: {
      const std::uint8_t* const chroma = image.chroma != nullptr
                                             ? image.chroma + image.chroma_stride * (y / 2)
                                             : image.data + image.stride * (image.height + y / 2);
      return rgb_from_yuv(row[x], chroma[x / 2 * 2], chroma[x / 2 * 2 + 1]);
    }
  }
  return {};
}

double channel_at(const Image& image, Color color, int channel, int y, int x) {
  const auto rgb = rgb_at(image, y, x);
  if (color == Color::gray) {
    return std::floor(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] + 0.5);
  }
  return rgb[static_cast<std::size_t>(color == Color::rgb ? channel : 2 - channel)];
}

/// Weight of each sample of an axis in output `i`.
std::vector<double> axis_weights(const InputSpec& spec, int input, int output, int i) {
  std::vector<double> weights(static_cast<std::size_t>(input));
  const double scale = static_cast<double>(input) / output;
  const double centre = (i + 0.5) * scale;
  if (spec.interpolation == Interpolation::nearest) {
    weights[static_cast<std::size_t>(centre)] = 1;
    return weights;
  }
  const double support = spec.antialias ? std::max(scale, 1.0) : 1.0;
  double total = 0;
  for (int j = 0; j < input; ++j) {
    // Without a filter, what lies outside counts as the edge's sample.
    const double position =
        spec.antialias ? centre : std::clamp(centre, 0.5, static_cast<double>(input) - 0.5);
    const double weight = std::max(1 - std::abs(j + 0.5 - position) / support, 0.0);
    weights[static_cast<std::size_t>(j)] = weight;
    total += weight;
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

/// [channels, height, width]
std::vector<double> reference(const Image& image, const InputSpec& spec, const Geometry& geometry) {
  std::vector<double> result;
  for (int c = 0; c < spec.channels(); ++c) {
    for (int y = 0; y < geometry.tensor.height; ++y) {
      for (int x = 0; x < geometry.tensor.width; ++x) {
        const int v = y - geometry.offset_y;
        const int u = x - geometry.offset_x;
        if (v < 0 || u < 0 || v >= geometry.resized.height || u >= geometry.resized.width) {
          result.push_back(spec.pad_value);
          continue;
        }
        const auto rows = axis_weights(spec, image.height, geometry.resized.height, v);
        const auto columns = axis_weights(spec, image.width, geometry.resized.width, u);
        double sum = 0;
        for (int j = 0; j < image.height; ++j) {
          if (rows[static_cast<std::size_t>(j)] == 0) continue;
          for (int i = 0; i < image.width; ++i) {
            const double weight =
                rows[static_cast<std::size_t>(j)] * columns[static_cast<std::size_t>(i)];
            if (weight != 0) sum += weight * channel_at(image, spec.color, c, j, i);
          }
        }
        const auto channel = static_cast<std::size_t>(c);
        result.push_back((sum * spec.scale - spec.mean[channel]) / spec.std[channel]);
      }
    }
  }
  return result;
}

double from_half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// The tensor as [channels, height, width] in double, whatever its dtype and layout.
std::vector<double> run(const Image& image, const InputSpec& spec, const Geometry& geometry,
                        int threads = 1) {
  const auto [height, width] = geometry.tensor;
  const auto count = static_cast<std::size_t>(spec.channels() * height * width);
  std::vector<std::uint8_t> bytes(count * element_size(spec.dtype));
  ThreadPool pool(threads);
  preprocess(image, spec, geometry, bytes.data(), pool);

  std::vector<double> result;
  for (int c = 0; c < spec.channels(); ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int index = spec.layout == Layout::nchw ? (c * height + y) * width + x
                                                      : (y * width + x) * spec.channels() + c;
        const auto i = static_cast<std::size_t>(index);
        if (spec.dtype == DType::float32) {
          float value;
          std::memcpy(&value, &bytes[4 * i], 4);
          result.push_back(static_cast<double>(value));
        } else if (spec.dtype == DType::float16) {
          std::uint16_t value;
          std::memcpy(&value, &bytes[2 * i], 2);
          result.push_back(from_half(value));
        } else {
          result.push_back(bytes[i]);
        }
      }
    }
  }
  return result;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

InputSpec imagenet(Size size) {
  InputSpec spec;
  spec.size = size;
  spec.mean = {0.485, 0.456, 0.406};
  spec.std = {0.229, 0.224, 0.225};
  return spec;
}

/// The image's own bytes, one number each.
InputSpec as_it_is(Color color) {
  InputSpec spec;
  spec.resize = Resize::none;
  spec.color = color;
  spec.scale = 1;
  return spec;
}

constexpr PixelFormat all_formats[] = {
    PixelFormat::bgr,  PixelFormat::rgb,  PixelFormat::bgra, PixelFormat::rgba, PixelFormat::gray,
    PixelFormat::nv12, PixelFormat::yuyv, PixelFormat::i420, PixelFormat::yvyu, PixelFormat::p010};

// Positions are float32: at column 150 they are off by 1e-5 of a pixel, of up to 255 levels.
// Decoded YUV and gray may round the other way than the oracle: one level of 255, over a std of
// 0.22.
double tolerance(PixelFormat format, Color color) {
  const bool rounded = is_yuv(format) || (color == Color::gray && format != PixelFormat::gray);
  return rounded ? 1.001 / 255 / 0.224 : 6e-5;
}

}  // namespace

TEST_CASE("every format, stride, colour order, filter and size") {
  const Size image_sizes[] = {{1, 1}, {1, 9}, {8, 1}, {6, 10}, {34, 22}, {64, 150}};
  const Size tensor_sizes[] = {{1, 1}, {7, 5}, {20, 31}, {33, 140}};
  unsigned seed = 0;
  for (const PixelFormat format : all_formats) {
    for (Size size : image_sizes) {
      if (has_planes(format)) size.height += size.height % 2;
      if (is_yuv(format)) size.width += size.width % 2;
      for (const Size target : tensor_sizes) {
        const bool own_chroma = has_planes(format) && seed % 2 == 0;
        const auto image = random_image(format, size, seed % 3 == 0 ? 8 : 0, own_chroma, seed);
        const Image view = seed % 5 == 0 ? from_the_bottom(image.view) : image.view;
        ++seed;
        InputSpec spec = imagenet(target);
        spec.color = std::array<Color, 3>{Color::rgb, Color::bgr, Color::gray}[seed % 3];
        const Geometry geometry = plan(spec, size);
        for (const int filter : {0, 1, 2}) {
          spec.interpolation = filter == 2 ? Interpolation::nearest : Interpolation::bilinear;
          spec.antialias = filter == 1;
          CAPTURE(static_cast<int>(format));
          CAPTURE(size.height);
          CAPTURE(size.width);
          CAPTURE(target.height);
          CAPTURE(target.width);
          CAPTURE(filter);
          CHECK(largest_difference(run(view, spec, geometry), reference(view, spec, geometry)) <=
                tolerance(format, spec.color));
        }
      }
    }
  }
}

TEST_CASE("an image stored from the bottom up is the same image") {
  for (const PixelFormat format : all_formats) {
    const auto image = random_image(format, {12, 34}, 8, false, 7);
    const Image turned = from_the_bottom(image.view);
    const InputSpec spec = as_it_is(Color::bgr);
    const Geometry geometry = plan(spec, turned.size());
    std::vector<double> expected;
    const std::vector<double> planes = run(image.view, spec, geometry);
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t y = 12; y-- > 0;) {
        const auto row = planes.begin() + static_cast<std::ptrdiff_t>((c * 12 + y) * 34);
        expected.insert(expected.end(), row, row + 34);
      }
    }
    CHECK(run(turned, spec, geometry) == expected);
    const Image part = crop(turned, 4, 2, {6, 20});
    const Geometry small = plan(spec, part.size());
    CHECK(largest_difference(run(part, spec, small), reference(part, spec, small)) <=
          (is_yuv(format) ? 1 : 0));
  }
}

TEST_CASE("without a resize the bytes come through unchanged") {
  for (const PixelFormat format : {PixelFormat::bgr, PixelFormat::rgb, PixelFormat::bgra,
                                   PixelFormat::rgba, PixelFormat::gray}) {
    const auto image = random_image(format, {13, 277}, 3, false, 5);
    InputSpec spec = as_it_is(Color::bgr);
    const Geometry geometry = plan(spec, image.view.size());
    for (const DType dtype : {DType::float32, DType::float16, DType::uint8}) {
      for (const Layout layout : {Layout::nchw, Layout::nhwc}) {
        spec.dtype = dtype;
        spec.layout = layout;
        CHECK(run(image.view, spec, geometry) == reference(image.view, spec, geometry));
      }
    }
  }
}

TEST_CASE("known colours: YUV and gray") {
  // Black, white, red and blue of BT.601 in studio range, and gray from green.
  const std::uint8_t yuyv[] = {16, 128, 235, 128, 81, 90, 81, 240, 41, 240, 41, 110};
  const InputSpec spec = as_it_is(Color::rgb);
  const Image view{yuyv, 1, 6, 12, PixelFormat::yuyv, nullptr, 0};
  CHECK(run(view, spec, plan(spec, {1, 6})) == std::vector<double>{
                                                   0, 255, 254, 254, 0, 0,  // red
                                                   0, 255, 0, 0, 0, 0,      // green
                                                   0, 255, 0, 0, 255, 255   // blue
                                               });
  const std::uint8_t green[] = {0, 255, 0};
  const InputSpec gray = as_it_is(Color::gray);
  const Image pixel{green, 1, 1, 3, PixelFormat::rgb, nullptr, 0};
  CHECK(run(pixel, gray, plan(gray, {1, 1})) == std::vector<double>{150});
}

TEST_CASE("every dtype and layout, padded on all sides") {
  const auto image = random_image(PixelFormat::bgr, {30, 41}, 2, false, 3);
  for (const Color color : {Color::rgb, Color::gray}) {
    for (const Layout layout : {Layout::nchw, Layout::nhwc}) {
      for (const DType dtype : {DType::float32, DType::float16, DType::uint8}) {
        for (const bool antialias : {false, true}) {
          InputSpec spec;
          spec.size = Size{20, 23};
          spec.resize = Resize::letterbox;
          spec.pad_value = 114;
          spec.pad_multiple = 16;
          spec.color = color;
          spec.scale = 1;
          spec.layout = layout;
          spec.dtype = dtype;
          spec.antialias = antialias;
          const Geometry geometry = plan(spec, image.view.size());
          REQUIRE(geometry.tensor == Size{32, 32});
          const double allowed = dtype == DType::float32   ? 1e-3
                                 : dtype == DType::float16 ? 0.0635
                                                           : 0.501;
          CHECK(largest_difference(run(image.view, spec, geometry),
                                   reference(image.view, spec, geometry)) <=
                allowed + (color == Color::gray ? 1 : 0));
        }
      }
    }
  }
}

TEST_CASE("uint8 rounds to nearest and saturates") {
  const std::uint8_t bytes[] = {0, 1, 2, 3, 100, 200};
  InputSpec spec = as_it_is(Color::gray);
  spec.dtype = DType::uint8;
  spec.scale = 1.5;
  spec.mean = {1, 0, 0};
  const Image view{bytes, 1, 6, 6, PixelFormat::gray, nullptr, 0};
  // -1, 0.5, 2, 3.5, 149, 299
  CHECK(run(view, spec, plan(spec, {1, 6})) == std::vector<double>{0, 0, 2, 4, 149, 255});
}

TEST_CASE("half_bits rounds to nearest even") {
  const auto bits = [](double value) { return half_bits(static_cast<float>(value)); };
  CHECK(bits(0.0) == 0x0000);
  CHECK(bits(-0.0) == 0x8000);
  CHECK(bits(1.0) == 0x3c00);
  CHECK(bits(-2.5) == 0xc100);
  CHECK(bits(65504.0) == 0x7bff);
  CHECK(bits(65519.9) == 0x7bff);
  CHECK(bits(65520.0) == 0x7c00);
  CHECK(bits(1e30) == 0x7c00);
  CHECK(bits(-INFINITY) == 0xfc00);
  CHECK(bits(NAN) == 0x7e00);
  CHECK(bits(std::ldexp(1.0, -14)) == 0x0400);
  CHECK(bits(std::ldexp(1.0, -24)) == 0x0001);
  CHECK(bits(std::ldexp(1.0, -25)) == 0x0000);      // a tie, to even
  CHECK(bits(std::ldexp(1.5, -24)) == 0x0002);      // a tie, to even
  CHECK(bits(1 + std::ldexp(1.0, -11)) == 0x3c00);  // a tie, to even
  CHECK(bits(1 + std::ldexp(3.0, -11)) == 0x3c02);  // a tie, to even
  CHECK(bits(1 + std::ldexp(1.0, -11) + std::ldexp(1.0, -20)) == 0x3c01);
  // Each half but NaN comes back as itself.
  for (std::uint32_t half = 0; half < 0x7c00; ++half) {
    REQUIRE(bits(from_half(static_cast<std::uint16_t>(half))) == half);
  }
}

TEST_CASE("the result does not depend on the number of threads") {
  const auto image = random_image(PixelFormat::nv12, {360, 500}, 0, false, 11);
  for (const bool antialias : {false, true}) {
    InputSpec spec = imagenet({300, 300});
    spec.antialias = antialias;
    const Geometry geometry = plan(spec, image.view.size());
    CHECK(run(image.view, spec, geometry, 1) == run(image.view, spec, geometry, 4));
  }
}

TEST_CASE("a geometry with a larger tensor, as images of one batch share it") {
  const auto image = random_image(PixelFormat::rgb, {9, 14}, 0, false, 2);
  InputSpec spec = imagenet({12, 12});
  spec.resize = Resize::shortest_edge;
  spec.pad_value = -3;
  Geometry geometry = plan(spec, image.view.size());
  geometry.tensor = {40, 33};
  CHECK(largest_difference(run(image.view, spec, geometry), reference(image.view, spec, geometry)) <
        2e-5);
}
