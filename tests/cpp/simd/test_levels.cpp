// Each kernel gives the same bits at every level of processors.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "simd/level.hpp"

using namespace edgecv;

namespace {

/// The processor's level is lowered for as long as this lives.
class Lowered {
 public:
  explicit Lowered(ProcessorLevel level) : before_(processor_level) {
    if (level < before_) processor_level = level;
  }
  ~Lowered() { processor_level = before_; }

 private:
  ProcessorLevel before_;
};

std::vector<float> numbers(std::size_t count, float low, float high) {
  std::vector<float> values(count);
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = low + (high - low) * static_cast<float>(state >> 8) * 0x1p-24f;
  }
  return values;
}

std::vector<float> boxes(std::size_t count) {
  std::vector<float> values = numbers(4 * count, 0, 60);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += i % 4 < 2 ? 0.f : 20.f;
  return values;
}

template <typename T>
void add(std::vector<unsigned char>& bytes, const std::vector<T>& values) {
  const std::size_t at = bytes.size();
  bytes.resize(at + values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.data() + at, values.data(), values.size() * sizeof(T));
}

void add(std::vector<unsigned char>& bytes, const Detections& found) {
  add(bytes, found.boxes);
  add(bytes, found.scores);
  add(bytes, found.labels);
}

using Work = std::function<void(std::vector<unsigned char>& bytes)>;

/// The work's bytes at each level, which must not be few.
void check_levels(const Work& work, std::size_t at_least) {
  std::vector<unsigned char> best;
  work(best);
  CHECK(best.size() >= at_least);
  for (const ProcessorLevel level : {ProcessorLevel::base, ProcessorLevel::v3}) {
    const Lowered lowered(level);
    std::vector<unsigned char> bytes;
    work(bytes);
    CHECK(bytes == best);
  }
}

constexpr Size image{37, 61};
constexpr int classes = 21;

Geometry whole(Size tensor) { return {image, tensor, tensor, 0, 0}; }

}  // namespace

TEST_CASE("class maps and their scores are the same at every level") {
  ThreadPool pool(1);
  for (const int count : {1, 2, 5, 20, classes}) {
    const std::vector<float> logits = numbers(static_cast<std::size_t>(count) * 7 * 9, -8, 8);
    check_levels(
        [&](std::vector<unsigned char>& bytes) {
          add(bytes, upsample_argmax(logits.data(), count, {7, 9}, whole(image), "o", pool).mask);
          for (const auto function : {ScoreFunction::softmax, ScoreFunction::sigmoid}) {
            add(bytes,
                upsample_scores(logits.data(), count, {7, 9}, whole(image), function, "o", pool)
                    .probabilities);
          }
        },
        image.height * image.width);
  }
  const Size window{32, 48};
  const std::vector<float> logits = numbers(std::size_t{classes} * 32 * 48, -8, 8);
  check_levels(
      [&](std::vector<unsigned char>& bytes) {
        for (const Size cells : {window, Size{4, 6}}) {
          StripMemory memory;
          WindowBlend blend(image, {window, 0.25, WindowWeight::gaussian}, classes, true, "o",
                            memory, pool);
          for (std::size_t i = 0; i < blend.grid().count(); ++i) blend.add(logits.data(), cells);
          const Segmentation map = blend.finish(ScoreFunction::softmax);
          add(bytes, map.mask);
          add(bytes, map.probabilities);
        }
      },
      image.height * image.width);
}

TEST_CASE("detections are the same at every level") {
  ThreadPool pool(1);
  constexpr std::size_t anchors = 300;
  const std::vector<float> places = boxes(anchors);
  const std::vector<float> deltas = numbers(4 * anchors * 92, -1, 1);
  for (const int count : {1, 7, 15, 16, 17, 90}) {
    const std::vector<float> logits = numbers(anchors * static_cast<std::size_t>(count + 1), -6, 4);
    check_levels(
        [&](std::vector<unsigned char>& bytes) {
          for (const auto function :
               {ScoreFunction::softmax, ScoreFunction::sigmoid, ScoreFunction::none}) {
            SsdSpec spec;
            spec.score_function = function;
            if (function != ScoreFunction::softmax) spec.background = Background::none;
            const SsdPostprocess postprocess(spec, places, count);
            add(bytes,
                postprocess(logits.data(), deltas.data(), anchors, whole({64, 64}), {}, pool));
          }
          add(bytes, box_head_detections({}, logits.data(), deltas.data(), places.data(), anchors,
                                         count, whole({64, 64}), {}, pool));
          DenseSpec spec;
          spec.anchors.sizes = {{16}};
          spec.anchors.aspect_ratios = {{1}};
          spec.strides = {4};
          spec.score_threshold = 0.4f;
          const DensePostprocess dense(spec, count);
          add(bytes, dense(logits.data(), deltas.data(), nullptr, whole({64, 64}), {}, pool));
          spec.distances = true;
          const DensePostprocess fcos(spec, count);
          add(bytes, fcos(logits.data(), places.data(), deltas.data(), whole({64, 64}), {}, pool));
        },
        1000);
  }
  RpnSpec rpn;
  rpn.anchors.sizes = {{16}};
  rpn.anchors.aspect_ratios = {{1}};
  rpn.objectness_outputs = rpn.deltas_outputs = {"o"};
  rpn.pre_nms_top_n = 100;
  const std::vector<float> objectness = numbers(256, -4, 4);
  const std::vector<float> masks = numbers(std::size_t{100} * 28 * 28, 0, 1);
  check_levels(
      [&](std::vector<unsigned char>& bytes) {
        const Proposals found =
            propose(rpn, {{objectness.data(), deltas.data(), {16, 16}}}, {64, 64}, {64, 64}, pool);
        add(bytes, found.boxes);
        add(bytes, found.scores);
        for (const MaskCrop& crop :
             paste_masks(masks.data(), 100, 28, places.data(), {100, 100}, 0.5f, pool)) {
          add(bytes, crop.pixels);
        }
      },
      1000);
}

TEST_CASE("prepared images and stylized ones are the same at every level") {
  std::vector<std::uint8_t> pixels;
  for (const float value : numbers(4 * 62 * 38, 0, 256)) {
    pixels.push_back(static_cast<std::uint8_t>(value));
  }
  constexpr Size even{38, 62};
  for (const auto& [format, bytes_of_pixel] : {std::pair{PixelFormat::bgr, 3},
                                               {PixelFormat::rgba, 4},
                                               {PixelFormat::gray, 1},
                                               {PixelFormat::nv12, 1},
                                               {PixelFormat::yuyv, 2}}) {
    const Image view{pixels.data(), even.height, even.width, even.width * bytes_of_pixel, format};
    check_levels(
        [&](std::vector<unsigned char>& bytes) {
          for (const auto color : {Color::rgb, Color::gray}) {
            for (const auto dtype : {DType::float32, DType::float16, DType::uint8}) {
              for (const auto layout : {Layout::nchw, Layout::nhwc}) {
                for (const bool antialias : {false, true}) {
                  InputSpec spec;
                  spec.color = color;
                  spec.dtype = dtype;
                  spec.layout = layout;
                  spec.antialias = antialias;
                  spec.size = Size{25, 33};
                  spec.resize = Resize::letterbox;
                  const Geometry geometry = plan(spec, even);
                  std::vector<float> tensor(std::size_t{3} * 25 * 33);
                  preprocess(view, spec, geometry, tensor.data());
                  add(bytes, tensor);
                }
              }
            }
          }
        },
        1000);
  }
  const std::vector<float> planes = numbers(std::size_t{3} * 38 * 62, -20, 275);
  check_levels(
      [&](std::vector<unsigned char>& bytes) {
        std::vector<std::uint8_t> bgr(std::size_t{3} * 38 * 62, 100);
        const Canvas canvas{bgr.data(), even, std::ptrdiff_t{3} * 62};
        blend_image({}, planes.data(), even, canvas, {0, 50});
        add(bytes, bgr);
        const std::vector<std::uint8_t> below = bgr;
        write_image({}, planes.data(), even, canvas);
        blend_rows(below.data(), canvas, {0, 30}, 0);
        add(bytes, bgr);
      },
      1000);
}
