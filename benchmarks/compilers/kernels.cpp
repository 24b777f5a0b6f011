// Times each kernel of the library on one thread, as one compiler built it, and prints a line for
// each: its name, milliseconds (the least of several runs) and a digest of its result.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "edgecv/edgecv.hpp"

namespace {

constexpr edgecv::Size frame{1080, 1920};

/// The same numbers with every compiler and library.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}

  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  float between(float low, float high) {
    return low + (high - low) * (static_cast<float>(next() >> 8) * 0x1p-24f);
  }
  std::vector<float> floats(std::size_t count, float low, float high) {
    std::vector<float> values(count);
    for (float& value : values) value = between(low, high);
    return values;
  }
  std::vector<std::uint8_t> bytes(std::size_t count) {
    std::vector<std::uint8_t> values(count);
    for (std::uint8_t& value : values) value = static_cast<std::uint8_t>(next() >> 24);
    return values;
  }
  /// Boxes of some 10 to 200 pixels, xyxy.
  std::vector<float> boxes(std::size_t count, float height, float width) {
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) {
      const float x = between(0, width - 210), y = between(0, height - 210);
      for (const float v : {x, y, x + between(10, 200), y + between(10, 200)}) values.push_back(v);
    }
    return values;
  }

 private:
  std::uint64_t state_;
};

/// FNV-1a of the bytes of all that is added.
class Digest {
 public:
  template <typename T>
  void add(const std::vector<T>& values) {
    std::vector<unsigned char> bytes(values.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    for (const unsigned char byte : bytes) value_ = (value_ ^ byte) * 1099511628211u;
  }
  void add(const edgecv::Detections& found) {
    add(found.boxes);
    add(found.scores);
    add(found.labels);
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 14695981039346656037u;
};

int runs = 15;
const char* only = "";

/// What a work returns is digested after its time was taken.
template <typename Work, typename Add>
void measure(const char* name, Work work, Add add) {
  if (std::strstr(name, only) == nullptr) return;
  using Clock = std::chrono::steady_clock;
  double least = 1e9;
  Digest digest;
  for (int i = 0; i < runs; ++i) {
    const auto begin = Clock::now();
    const auto result = work();
    least =
        std::min(least, std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    if (i == 0) add(digest, result);
  }
  std::printf("%s\t%.4f\t%016llx\n", name, least, static_cast<unsigned long long>(digest.value()));
}

template <typename T>
void add_all(Digest& digest, const T& result) {
  digest.add(result);
}

edgecv::Geometry whole(edgecv::Size tensor) { return {frame, tensor, tensor, 0, 0}; }

void segmentation(edgecv::ThreadPool& pool) {
  constexpr int classes = 21;
  const edgecv::Size cells{135, 240};
  const std::vector<float> logits =
      Numbers(1).floats(std::size_t{classes} * cells.height * cells.width, -8, 8);
  const auto map = [](Digest& digest, const edgecv::Segmentation& found) {
    digest.add(found.mask);
    digest.add(found.probabilities);
  };
  measure(
      "class map, 21x135x240 to 1080p",
      [&] {
        return edgecv::upsample_argmax(logits.data(), classes, cells, whole(frame), "o", pool);
      },
      map);
  const edgecv::Geometry small{{540, 960}, {540, 960}, {540, 960}, 0, 0};
  for (const auto function : {edgecv::ScoreFunction::softmax, edgecv::ScoreFunction::sigmoid}) {
    measure(
        function == edgecv::ScoreFunction::softmax ? "class map with softmax, 540x960"
                                                   : "class map with sigmoid, 540x960",
        [&] {
          return edgecv::upsample_scores(logits.data(), classes, cells, small, function, "o", pool);
        },
        map);
  }
  const edgecv::Size window{320, 480};
  const std::vector<float> scores =
      Numbers(2).floats(std::size_t{classes} * window.height * window.width, -8, 8);
  const std::vector<float> coarse = Numbers(3).floats(std::size_t{classes} * 40 * 60, -8, 8);
  for (const bool expands : {false, true}) {
    edgecv::StripMemory memory;
    const edgecv::CropWindows windows{window, 0.25, edgecv::WindowWeight::gaussian};
    measure(
        expands ? "windows of coarse logits averaged, 1080p" : "windows averaged, 1080p",
        [&] {
          edgecv::WindowBlend blend(frame, windows, classes, false, "o", memory, pool);
          for (std::size_t i = 0; i < blend.grid().count(); ++i) {
            blend.add(expands ? coarse.data() : scores.data(),
                      expands ? edgecv::Size{40, 60} : window);
          }
          return blend.finish(edgecv::ScoreFunction::none);
        },
        map);
  }
}

void detection(edgecv::ThreadPool& pool) {
  const edgecv::Size tensor{300, 300};
  constexpr std::size_t anchors = 8732;
  std::vector<float> xyxy = Numbers(4).boxes(anchors, 300, 300);
  const std::vector<float> deltas = Numbers(5).floats(4 * anchors, -1, 1);
  for (const bool trained : {false, true}) {
    for (const auto function : {edgecv::ScoreFunction::softmax, edgecv::ScoreFunction::sigmoid}) {
      edgecv::SsdSpec spec;
      spec.score_function = function;
      const bool softmax = function == edgecv::ScoreFunction::softmax;
      if (!softmax) spec.background = edgecv::Background::none;
      const std::size_t columns = softmax ? 91 : 90;
      std::vector<float> logits = Numbers(6).floats(anchors * columns, -5, softmax ? 5.f : 0.f);
      if (trained && softmax) {
        for (std::size_t a = 0; a < anchors; ++a) logits[a * columns] = a % 50 ? 12.f : 4.f;
      } else if (trained) {
        for (float& logit : logits) logit -= 5.f;
      }
      const edgecv::SsdPostprocess postprocess(spec, xyxy, 90);
      measure(
          softmax ? (trained ? "SSD, trained" : "SSD, random")
                  : (trained ? "SSD with sigmoid, trained" : "SSD with sigmoid, random"),
          [&] {
            return postprocess(logits.data(), deltas.data(), anchors, whole(tensor), {}, pool);
          },
          add_all<edgecv::Detections>);
    }
  }

  edgecv::DenseSpec dense;
  dense.strides = {8, 16, 32, 64, 128};
  dense.anchors.sizes = {{32.f, 40.f, 51.f},
                         {64.f, 81.f, 102.f},
                         {128.f, 161.f, 203.f},
                         {256.f, 323.f, 406.f},
                         {512.f, 645.f, 813.f}};
  dense.anchors.aspect_ratios = std::vector<std::vector<float>>(5, {0.5f, 1.f, 2.f});
  const edgecv::Size input{800, 1088};
  const auto count = static_cast<std::size_t>(edgecv::anchor_count(dense, input));
  std::vector<float> logits = Numbers(7).floats(count * 90, -12, -4);
  for (std::size_t i = 0; i < logits.size(); i += 90 * 37) logits[i] = 2;
  const std::vector<float> offsets = Numbers(8).floats(4 * count, -1, 1);
  const edgecv::DensePostprocess retinanet(dense, 90);
  measure(
      "RetinaNet, 800x1088",
      [&] { return retinanet(logits.data(), offsets.data(), nullptr, whole(input), {}, pool); },
      add_all<edgecv::Detections>);

  constexpr std::size_t proposals = 1000;
  const std::vector<float> regions = Numbers(9).boxes(proposals, 800, 1088);
  const std::vector<float> shifts = Numbers(10).floats(proposals * 4 * 91, -1, 1);
  for (const bool trained : {false, true}) {
    std::vector<float> scores = Numbers(11).floats(proposals * 91, -3, 5);
    for (std::size_t r = 0; trained && r < proposals; ++r) scores[r * 91] = r % 20 ? 12.f : 5.f;
    const edgecv::BoxHeadSpec head;
    measure(
        trained ? "box head, trained" : "box head, random",
        [&] {
          return edgecv::box_head_detections(head, scores.data(), shifts.data(), regions.data(),
                                             proposals, 90, whole(input), {}, pool);
        },
        add_all<edgecv::Detections>);
  }

  edgecv::RpnSpec rpn;
  rpn.anchors.sizes = {{32.f}, {64.f}, {128.f}, {256.f}, {512.f}};
  rpn.anchors.aspect_ratios = std::vector<std::vector<float>>(5, {0.5f, 1.f, 2.f});
  std::vector<std::vector<float>> objectness, changes;
  std::vector<edgecv::RpnLevel> levels;
  for (int level = 0, stride = 4; level < 5; ++level, stride *= 2) {
    const edgecv::Size feature{800 / stride, 1088 / stride};
    const auto cells = static_cast<std::size_t>(feature.height) * feature.width;
    objectness.push_back(Numbers(12 + level).floats(3 * cells, -10, 5));
    changes.push_back(Numbers(20 + level).floats(12 * cells, -0.5f, 0.5f));
    rpn.objectness_outputs.push_back("objectness" + std::to_string(level));
    rpn.deltas_outputs.push_back("deltas" + std::to_string(level));
  }
  for (int level = 0, stride = 4; level < 5; ++level, stride *= 2) {
    levels.push_back(
        {objectness[level].data(), changes[level].data(), {800 / stride, 1088 / stride}});
  }
  measure(
      "proposals, 800x1088", [&] { return edgecv::propose(rpn, levels, input, input, pool); },
      [](Digest& digest, const edgecv::Proposals& found) {
        digest.add(found.boxes);
        digest.add(found.scores);
      });

  const std::vector<float> boxes = Numbers(30).boxes(5000, 1080, 1920);
  const std::vector<float> ranks = Numbers(31).floats(5000, 0, 1);
  measure(
      "NMS of 5000 boxes", [&] { return edgecv::nms(boxes.data(), ranks.data(), 5000, 0.5); },
      add_all<std::vector<std::int64_t>>);

  const std::vector<float> masks = Numbers(32).floats(100 * 28 * 28, 0, 1);
  const std::vector<float> places = Numbers(33).boxes(100, 1080, 1920);
  measure(
      "100 masks pasted on 1080p",
      [&] { return edgecv::paste_masks(masks.data(), 100, 28, places.data(), frame, 0.5f, pool); },
      [](Digest& digest, const std::vector<edgecv::MaskCrop>& crops) {
        for (const edgecv::MaskCrop& crop : crops) digest.add(crop.pixels);
      });
}

void images(edgecv::ThreadPool& pool) {
  const std::vector<std::uint8_t> pixels =
      Numbers(40).bytes(std::size_t{4} * frame.height * frame.width);
  const auto prepare = [&](const char* name, edgecv::PixelFormat format, int bytes,
                           const edgecv::InputSpec& spec) {
    edgecv::Image image{pixels.data(), frame.height, frame.width,
                        static_cast<std::ptrdiff_t>(frame.width) * bytes, format};
    const edgecv::Geometry geometry = edgecv::plan(spec, frame);
    std::vector<std::uint8_t> tensor(static_cast<std::size_t>(geometry.tensor.height) *
                                     geometry.tensor.width * spec.channels() * 4);
    measure(
        name,
        [&] {
          edgecv::preprocess(image, spec, geometry, tensor.data(), pool);
          return 0;
        },
        [&](Digest& digest, int) { digest.add(tensor); });
  };
  edgecv::InputSpec spec;
  spec.size = edgecv::Size{640, 640};
  spec.resize = edgecv::Resize::letterbox;
  prepare("1080p BGR to 640x640", edgecv::PixelFormat::bgr, 3, spec);
  prepare("1080p NV12 to 640x640", edgecv::PixelFormat::nv12, 1, spec);
  prepare("1080p YUYV to 640x640", edgecv::PixelFormat::yuyv, 2, spec);
  spec.dtype = edgecv::DType::float16;
  prepare("1080p BGRA to 640x640, float16", edgecv::PixelFormat::bgra, 4, spec);
  spec.dtype = edgecv::DType::uint8;
  spec.layout = edgecv::Layout::nhwc;
  prepare("1080p BGR to 640x640, uint8 NHWC", edgecv::PixelFormat::bgr, 3, spec);
  spec.dtype = edgecv::DType::float32;
  spec.layout = edgecv::Layout::nchw;
  spec.antialias = true;
  prepare("1080p BGR to 640x640, antialias", edgecv::PixelFormat::bgr, 3, spec);
  prepare("1080p gray to 640x640, antialias", edgecv::PixelFormat::gray, 1, spec);
  spec.antialias = false;
  spec.color = edgecv::Color::gray;
  prepare("1080p BGR to gray 640x640", edgecv::PixelFormat::bgr, 3, spec);
  spec.color = edgecv::Color::rgb;
  spec.resize = edgecv::Resize::none;
  spec.size.reset();
  prepare("1080p BGR to tensor, no resize", edgecv::PixelFormat::bgr, 3, spec);

  const std::vector<float> planes =
      Numbers(41).floats(std::size_t{3} * frame.height * frame.width, -20, 275);
  std::vector<std::uint8_t> bgr(std::size_t{3} * frame.height * frame.width);
  const edgecv::Canvas canvas{bgr.data(), frame, std::ptrdiff_t{3} * frame.width};
  const edgecv::StylizeSpec stylize;
  const auto look = [&](Digest& digest, int) { digest.add(bgr); };
  measure(
      "stylized planes to 1080p",
      [&] {
        edgecv::write_image(stylize, planes.data(), frame, canvas, pool);
        return 0;
      },
      look);
  std::fill(bgr.begin(), bgr.end(), std::uint8_t{100});
  measure(
      "stylized planes blended, 1080p",
      [&] {
        edgecv::blend_image(stylize, planes.data(), frame, canvas, edgecv::Fade{0, 1900}, pool);
        return 0;
      },
      [](Digest&, int) {});  // it is not the same from run to run
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) runs = std::atoi(arguments[1]);
  if (count > 2) only = arguments[2];
  edgecv::ThreadPool pool(1);
  segmentation(pool);
  detection(pool);
  images(pool);
}
