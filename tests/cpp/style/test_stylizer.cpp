// The stylizing pipeline over engines that the test moves by hand.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/style/stylizer.hpp"
#include "golden.hpp"

using namespace edgecv;

namespace {

/// A network that gives its input, continued with 99 to a multiple of 4, plus `shift` of it.
class Identity : public Engine {
 public:
  explicit Identity(bool tile) : tile_(tile) {
    inputs_ = {{"images", DType::float32, {-1, 3, -1, -1}}};
    if (tile) inputs_.push_back({"statistics", DType::float32, {1, 2, 2}});
    outputs_ = {{"picture", DType::float32, {-1, 3, -1, -1}}};
  }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Tensor input(std::size_t, const Shape& shape) override {
    shape_ = shape;
    in_.assign(static_cast<std::size_t>(element_count(shape)), 0.f);
    return {in_.data(), shape, DType::float32};
  }
  void bind(std::size_t index, const Tensor& tensor) override {
    CHECK(index == 1);
    bound = {tensor.as<float>(), tensor.as<float>() + element_count(tensor.shape)};
  }
  void run() override {
    sizes.push_back({static_cast<int>(shape_[2]), static_cast<int>(shape_[3])});
    CHECK(bound.size() == (tile_ ? 4u : 0u));
    const std::int64_t height = (shape_[2] + 3) / 4 * 4, width = (shape_[3] + 3) / 4 * 4;
    out_shape_ = {1, 3, height, width};
    out_.assign(static_cast<std::size_t>(3 * height * width), 99.f);
    for (std::int64_t row = 0; row < 3 * shape_[2]; ++row) {
      const std::int64_t out_row = row / shape_[2] * height + row % shape_[2];
      for (std::int64_t x = 0; x < shape_[3]; ++x) {
        out_[static_cast<std::size_t>(out_row * width + x)] =
            in_[static_cast<std::size_t>(row * shape_[3] + x)] + (tile_ ? bound[0] : 0.f);
      }
    }
  }
  Tensor output(std::size_t) override { return {out_.data(), out_shape_, DType::float32}; }

  std::vector<float> bound;
  std::vector<Size> sizes;

 private:
  bool tile_;
  std::vector<TensorSpec> inputs_, outputs_;
  Shape shape_, out_shape_;
  std::vector<float> in_, out_;
};

/// Gives four numbers, the first of them the mean of all that it is shown.
class Mean : public Engine {
 public:
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Tensor input(std::size_t, const Shape& shape) override {
    seen = {static_cast<int>(shape[2]), static_cast<int>(shape[3])};
    in_.assign(static_cast<std::size_t>(element_count(shape)), 0.f);
    return {in_.data(), shape, DType::float32};
  }
  void bind(std::size_t, const Tensor&) override {}
  void run() override {
    double sum = 0;
    for (const float value : in_) sum += value;
    out_[0] = offset_only ? 1.f : static_cast<float>(sum / static_cast<double>(in_.size()));
  }
  Tensor output(std::size_t) override { return {out_, {1, 2, 2}, DType::float32}; }

  Size seen;
  bool offset_only = true;

 private:
  std::vector<TensorSpec> inputs_{{"images", DType::float32, {-1, 3, -1, -1}}};
  std::vector<TensorSpec> outputs_{{"statistics", DType::float32, {-1, 2, -1}}};
  std::vector<float> in_;
  float out_[4] = {0, 1, 2, 3};
};

struct Loaded {
  std::shared_ptr<Identity> main = std::make_shared<Identity>(false);
  std::shared_ptr<Mean> statistics = std::make_shared<Mean>();
  std::shared_ptr<Identity> tile = std::make_shared<Identity>(true);
  Stylizer stylizer;

  explicit Loaded(const char* bundle)
      : stylizer(Bundle::open(std::string(EDGECV_GOLDEN "/") + bundle), {main, statistics, tile},
                 2) {}
};

std::vector<std::uint8_t> pixels(Size size) {
  std::vector<std::uint8_t> bgr(static_cast<std::size_t>(3 * size.height * size.width));
  for (std::size_t i = 0; i < bgr.size(); ++i) {
    bgr[i] = static_cast<std::uint8_t>((i * 2654435761u) >> 13) % 250;
  }
  return bgr;
}

Image view(const std::vector<std::uint8_t>& bgr, Size size) {
  return {bgr.data(), size.height, size.width, 3 * size.width};
}

}  // namespace

TEST_CASE("a result has its image's size, whatever the network's rounding") {
  Loaded loaded("bundle_v2_style");
  for (const Size size : {Size{1, 1}, Size{3, 200}, Size{8, 8}, Size{9, 14}, Size{41, 23}}) {
    const std::vector<std::uint8_t> bgr = pixels(size);
    const auto results = loaded.stylizer.run({view(bgr, size)});
    REQUIRE(results.size() == 1);
    CHECK(results[0].size == size);
    CHECK(std::memcmp(results[0].bgr.get(), bgr.data(), bgr.size()) == 0);
    const Size seen = loaded.main->sizes.back();
    CHECK(seen == Size{std::max(size.height, 8), std::max(size.width, 8)});
  }
}

TEST_CASE("tiles cover the image, begin at multiples, and get the thumbnail's statistics") {
  Loaded loaded("bundle_v2_style");  // tiles of 32, overlap 0.25, thumbnail 40, above 4000
  const Size size{77, 101};
  std::vector<std::uint8_t> bgr = pixels(size);
  const auto results = loaded.stylizer.run({view(bgr, size)});
  CHECK(loaded.main->sizes.empty());
  CHECK(loaded.statistics->seen == Size{30, 40});
  CHECK(loaded.tile->bound == std::vector<float>{1, 1, 2, 3});
  CHECK(loaded.tile->sizes.size() == 12);  // tops 0, 24, 48; lefts 0, 24, 48, 72
  CHECK(loaded.tile->sizes.front() == Size{32, 32});
  CHECK(loaded.tile->sizes.back() == Size{29, 29});
  for (std::uint8_t& value : bgr) ++value;  // the statistics' first number is added
  CHECK(std::memcmp(results[0].bgr.get(), bgr.data(), bgr.size()) == 0);
}

TEST_CASE("the caller may decide on tiles") {
  Loaded loaded("bundle_v2_style");
  const Size small{40, 40}, large{80, 80};
  const std::vector<std::uint8_t> bgr = pixels(large);
  loaded.stylizer.run({view(bgr, small)});
  CHECK(loaded.main->sizes.size() == 1);
  loaded.stylizer.set_tiling(Tiling::always);
  loaded.stylizer.run({view(bgr, small)});
  CHECK(loaded.main->sizes.size() == 1);
  CHECK(loaded.statistics->seen == small);  // not made smaller than it is
  loaded.stylizer.set_tiling(Tiling::never);
  loaded.stylizer.run({view(bgr, large)});
  CHECK(loaded.main->sizes.size() == 2);
}

TEST_CASE("a camera's NV12 image is cut as its BGR twin is") {
  Loaded loaded("bundle_v2_style");
  const Size size{64, 96};
  std::vector<std::uint8_t> nv12(static_cast<std::size_t>(size.height * size.width * 3 / 2));
  for (std::size_t i = 0; i < nv12.size(); ++i)
    nv12[i] = static_cast<std::uint8_t>(i * 7 % 200 + 20);
  const Image image{nv12.data(), size.height, size.width, size.width, PixelFormat::nv12};
  loaded.stylizer.set_tiling(Tiling::never);
  const auto whole = loaded.stylizer.run({image});
  loaded.stylizer.set_tiling(Tiling::always);
  loaded.tile->bound = {0, 0, 0, 0};
  const auto tiled = loaded.stylizer.run({image});
  int differing = 0;
  for (int i = 0; i < 3 * size.height * size.width; ++i) {
    const int expected = std::min(whole[0].bgr[static_cast<std::size_t>(i)] + 1, 255);
    differing += tiled[0].bgr[static_cast<std::size_t>(i)] != expected;
  }
  CHECK(differing == 0);
}

TEST_CASE("missing engines are named") {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_style");
  const auto main = std::make_shared<Identity>(false);
  CHECK_THROWS_WITH_AS(Stylizer(bundle, {main, nullptr, nullptr}),
                       "the graph \"statistics\" has no engine", Error);
}
