// Pipelines that several threads call at once, over engines that tell calls apart.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "detection/two_stage_doubles.hpp"
#include "edgecv/edgecv.hpp"
#include "refusal.hpp"
#include "threads/processors.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace edgecv;

namespace {

using Shapes = std::function<std::vector<Shape>(const std::vector<Shape>&)>;

/// What all engines of a model have seen.
struct Log {
  std::atomic<int> running{0}, most{0};  // runs at the same time
  std::atomic<int> trespasses{0};        // a second thread came while one was inside an engine
  std::atomic<int> contexts{0};
  std::atomic<int> runs{0};
  std::atomic<int> fail_every{0};  // runs throw, in turn with runs that give NaN; 0: none
};

/// A network whose outputs are numbers made from all of its inputs, so that what another call wrote
/// into them, or read from its outputs, shows in the results.
class Mixer : public Engine {
 public:
  Mixer(const GraphFile& graph, Shapes shapes, bool contexts, std::shared_ptr<Log> log)
      : graph_(graph),
        shapes_(std::move(shapes)),
        contexts_(contexts),
        log_(std::move(log)),
        given_(graph.inputs.size()),
        buffers_(graph.inputs.size()),
        results_(graph.outputs.size()) {}

  const std::vector<TensorSpec>& inputs() const override { return graph_.inputs; }
  const std::vector<TensorSpec>& outputs() const override { return graph_.outputs; }

  Tensor input(std::size_t index, const Shape& shape) override {
    const Inside inside(*this);
    const DType dtype = graph_.inputs[index].dtype;
    buffers_[index].resize(static_cast<std::size_t>(element_count(shape)) * element_size(dtype));
    Tensor tensor;
    tensor.data = buffers_[index].data();
    tensor.shape = shape;
    tensor.dtype = dtype;
    return given_[index] = tensor;
  }

  void bind(std::size_t index, const Tensor& tensor) override {
    const Inside inside(*this);
    given_[index] = tensor;
  }

  void run() override {
    const Inside inside(*this);
    const int now = ++log_->running;
    for (int most = log_->most; most < now && !log_->most.compare_exchange_weak(most, now);) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    --log_->running;
    const int run = ++log_->runs, every = log_->fail_every;
    if (every > 0 && run % (2 * every) == 0) throw Error(ErrorCode::engine, "it failed");
    std::uint32_t seed = 1;
    std::vector<Shape> shapes;
    for (const Tensor& tensor : given_) {
      const auto* bytes = tensor.as<unsigned char>();
      const auto count = static_cast<std::size_t>(element_count(tensor.shape));
      for (std::size_t i = 0; i < count * element_size(tensor.dtype); ++i) {
        seed = (seed ^ bytes[i]) * 16777619u;
      }
      shapes.push_back(tensor.shape);
    }
    const std::vector<Shape> found = shapes_(shapes);
    for (std::size_t k = 0; k < found.size(); ++k) {
      results_[k].resize(static_cast<std::size_t>(element_count(found[k])));
      for (float& value : results_[k]) {
        seed = seed * 1664525u + 1013904223u;
        value = static_cast<float>(seed >> 16) / 16384.f - 2;
      }
      if (every > 0 && run % every == 0) {
        std::fill(results_[k].begin(), results_[k].end(), std::numeric_limits<float>::quiet_NaN());
      }
    }
    found_ = found;
  }

  Tensor output(std::size_t index) override {
    const Inside inside(*this);
    Tensor tensor;
    tensor.data = results_[index].data();
    tensor.shape = found_[index];
    return tensor;
  }

  std::shared_ptr<Engine> new_context() override {
    if (!contexts_) return nullptr;
    ++log_->contexts;
    return std::make_shared<Mixer>(graph_, shapes_, true, log_);
  }

 private:
  struct Inside {
    explicit Inside(Mixer& mixer) : count(mixer.inside_) {
      if (++count != 1) ++mixer.log_->trespasses;
    }
    ~Inside() { --count; }
    std::atomic<int>& count;
  };

  GraphFile graph_;
  Shapes shapes_;
  bool contexts_;
  std::shared_ptr<Log> log_;
  std::vector<Tensor> given_;
  std::vector<std::vector<unsigned char>> buffers_;
  std::vector<std::vector<float>> results_;
  std::vector<Shape> found_;
  std::atomic<int> inside_{0};
};

/// The bits of a result.
using Bits = std::string;

template <typename T>
void add(Bits& bits, const std::vector<T>& values) {
  bits.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  bits += '|';
}

Bits bits_of(const Detections& found) {
  Bits bits;
  add(bits, found.boxes);
  add(bits, found.scores);
  add(bits, found.labels);
  return bits;
}

Bits bits_of(const Instances& found) {
  Bits bits = bits_of(found.detections);
  for (const MaskCrop& mask : found.masks) add(bits, mask.pixels);
  return bits;
}

Bits bits_of(const Classification& found) {
  Bits bits;
  add(bits, found.labels);
  add(bits, found.probabilities);
  return bits;
}

Bits bits_of(const Segmentation& found) {
  Bits bits;
  add(bits, found.mask);
  add(bits, found.probabilities);
  return bits;
}

Bits bits_of(const StylizedImage& found) {
  return Bits(reinterpret_cast<const char*>(found.bgr.get()),
              static_cast<std::size_t>(3) * found.size.height * found.size.width);
}

/// Images of several sizes that differ in every pixel.
struct Images {
  Images() {
    for (int i = 0; i < 6; ++i) {
      const int height = 20 + 9 * i, width = 30 + 7 * i;
      pixels.emplace_back(static_cast<std::size_t>(3 * height * width));
      std::uint32_t seed = static_cast<std::uint32_t>(i) + 1;
      for (std::uint8_t& value : pixels.back()) {
        value = static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
      }
      images.push_back({pixels.back().data(), height, width, std::ptrdiff_t{3} * width});
    }
  }
  std::vector<std::vector<std::uint8_t>> pixels;
  std::vector<Image> images;
};

constexpr int kThreads = 4, kCalls = 10;

/// Calls from several threads give what the same calls give one after another.
void compare(const std::function<Bits(const Image&)>& call) {
  const Images images;
  std::vector<Bits> expected;
  for (const Image& image : images.images) expected.push_back(call(image));
  for (std::size_t i = 1; i < expected.size(); ++i) REQUIRE(expected[i] != expected[i - 1]);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < kCalls; ++k) {
        const auto i = static_cast<std::size_t>(t + 5 * k) % expected.size();
        if (call(images.images[i]) != expected[i]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

/// Engines of one context are never entered by two threads, those of several not each of them.
void with_each_kind_of_engine(
    const std::function<void(bool contexts, const std::shared_ptr<Log>&, int threads)>& test) {
  for (const bool contexts : {false, true}) {
    for (const int threads : {1, 2}) {
      const auto log = std::make_shared<Log>();
      test(contexts, log, threads);
      CHECK(log->trespasses == 0);
      if (!contexts) CHECK(log->most == 1);
    }
  }
}

Shapes fixed_rows(std::vector<Shape> rest) {
  return [rest](const std::vector<Shape>& inputs) {
    std::vector<Shape> shapes = rest;
    for (Shape& shape : shapes) shape.insert(shape.begin(), inputs[0][0]);
    return shapes;
  };
}

Detector make_detector(bool contexts, const std::shared_ptr<Log>& log, int threads = 1) {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v1");
  const GraphFile& graph = bundle.manifest().graphs.at("main")[0];
  return Detector(bundle,
                  std::make_shared<Mixer>(graph, fixed_rows({{20, 3}, {20, 4}}), contexts, log),
                  threads);
}

std::vector<Shape> backbone_shapes(const std::vector<Shape>&) {
  return {{1, 1, 4, 4}, {1, 1, 2, 2}, {1, 1, 4, 4}, {1, 1, 2, 2}, {1, 4, 4, 4}, {1, 4, 2, 2}};
}

/// Boxes come by level, in the last inputs but for the labels.
std::vector<Shape> roi_shapes(const std::vector<Shape>& inputs) {
  const std::int64_t rows = inputs[2][0] + inputs[3][0];
  return {{rows, 3}, {rows, 12}};
}

std::vector<Shape> mask_shapes(const std::vector<Shape>& inputs) {
  return {{inputs[2][0] + inputs[3][0], 1, 8, 8}};
}

TwoStageDetector make_two_stage(bool contexts, const std::shared_ptr<Log>& log, int threads = 1) {
  testing::TwoStageForm form;
  form.levels = 2;
  Manifest manifest = testing::two_stage_manifest(form);
  auto& spec = std::get<RcnnSpec>(manifest.postprocess);
  spec.rpn->pre_nms_top_n = spec.rpn->post_nms_top_n = 8;
  const Bundle bundle = testing::open_as_bundle(manifest);
  const auto engine = [&](const char* role, const Shapes& shapes) {
    return std::make_shared<Mixer>(manifest.graphs[role][0], shapes, contexts, log);
  };
  return TwoStageDetector(
      bundle,
      {engine("trunk", backbone_shapes), engine("roi", roi_shapes), engine("mask", mask_shapes)},
      threads);
}

SemanticSegmenter make_segmenter(bool contexts, const std::shared_ptr<Log>& log, int threads = 1) {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_segment");
  const Shapes shapes = [](const std::vector<Shape>& inputs) {
    return std::vector<Shape>{{inputs[0][0], 4, inputs[0][2] / 4, inputs[0][3] / 4}};
  };
  const GraphFile& graph = bundle.manifest().graphs.at("main")[0];
  return SemanticSegmenter(bundle, std::make_shared<Mixer>(graph, shapes, contexts, log), threads);
}

Stylizer make_stylizer(bool contexts, const std::shared_ptr<Log>& log, int threads = 1) {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_style");
  const auto engine = [&](const char* role, const Shapes& shapes) {
    return std::make_shared<Mixer>(bundle.manifest().graphs.at(role)[0], shapes, contexts, log);
  };
  const Shapes same = [](const std::vector<Shape>& inputs) {
    return std::vector<Shape>{inputs[0]};
  };
  const Shapes few = [](const std::vector<Shape>&) { return std::vector<Shape>{{1, 2, 3}}; };
  return Stylizer(bundle, {engine("main", same), engine("statistics", few), engine("tile", same)},
                  threads);
}

}  // namespace

TEST_CASE("threads: detectors of one stage") {
  with_each_kind_of_engine([](bool contexts, const std::shared_ptr<Log>& log, int threads) {
    Detector detector = make_detector(contexts, log, threads);
    compare([&](const Image& image) { return bits_of(detector(image)); });
    const TileSpec tiles{{16, 16}, 0.25, true};
    compare([&](const Image& image) { return bits_of(detect_in_tiles(detector, image, tiles)); });
  });
}

TEST_CASE("threads: detectors of two stages") {
  with_each_kind_of_engine([](bool contexts, const std::shared_ptr<Log>& log, int threads) {
    TwoStageDetector detector = make_two_stage(contexts, log, threads);
    compare([&](const Image& image) { return bits_of(detector.run({image}).front()); });
    const TileSpec tiles{{24, 24}, 0.25, true};
    compare([&](const Image& image) { return bits_of(detect_in_tiles(detector, image, tiles)); });
  });
}

TEST_CASE("threads: classifiers") {
  with_each_kind_of_engine([](bool contexts, const std::shared_ptr<Log>& log, int threads) {
    const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_classify");
    const GraphFile& graph = bundle.manifest().graphs.at("main")[0];
    Classifier classifier(bundle, std::make_shared<Mixer>(graph, fixed_rows({{3}}), contexts, log),
                          threads);
    compare([&](const Image& image) { return bits_of(classifier(image)); });
  });
}

TEST_CASE("threads: segmenters, in windows and whole") {
  with_each_kind_of_engine([](bool contexts, const std::shared_ptr<Log>& log, int threads) {
    SemanticSegmenter segmenter = make_segmenter(contexts, log, threads);
    compare([&](const Image& image) { return bits_of(segmenter.run({image}, true).front()); });
    segmenter.set_windows({});
    compare([&](const Image& image) { return bits_of(segmenter(image)); });
  });
}

TEST_CASE("threads: stylizers, whole and in tiles") {
  with_each_kind_of_engine([](bool contexts, const std::shared_ptr<Log>& log, int threads) {
    Stylizer stylizer = make_stylizer(contexts, log, threads);
    for (const Tiling tiling : {Tiling::never, Tiling::always}) {
      stylizer.set_tiling(tiling);
      compare([&](const Image& image) { return bits_of(stylizer.run({image}).front()); });
    }
  });
}

TEST_CASE("threads: contexts run at the same time, no more of them than processors or two") {
  if (usable_processors() < 2) return;  // then calls take turns
  for (const int threads : {1, 1000}) {
    const auto log = std::make_shared<Log>();
    Detector detector = make_detector(true, log, threads);
    const Images images;
    std::vector<std::thread> callers;
    for (int t = 0; t < 8; ++t) {
      callers.emplace_back([&] {
        for (int k = 0; k < 20; ++k) detector(images.images[0]);
      });
    }
    for (std::thread& caller : callers) caller.join();
    const int most = threads == 1 ? std::max(2, usable_processors()) : 2;
    CHECK(log->most >= 2);
    CHECK(log->most <= most);
    CHECK(log->contexts <= most - 1);
  }
}

TEST_CASE("threads: a caller alone uses the engine that it gave") {
  const auto log = std::make_shared<Log>();
  Detector detector = make_detector(true, log);
  const Images images;
  for (const Image& image : images.images) detector(image);
  CHECK(log->contexts == 0);
}

TEST_CASE("threads: a call sees the settings of one moment") {
  const auto log = std::make_shared<Log>();
  Detector detector = make_detector(true, log);
  const Images images;
  const std::vector<Image>& batch = images.images;
  const auto all_bits = [&](Detector& model) {
    Bits bits;
    for (const Detections& found : model.run(batch)) bits += bits_of(found);
    return bits;
  };
  Detector low = detector, high = detector;
  low.set_thresholds({0.1f, 0.1f});
  high.set_thresholds({0.9f, 0.9f});
  const Bits expected_low = all_bits(low), expected_high = all_bits(high);
  REQUIRE(expected_low != expected_high);
  detector.set_thresholds({0.1f, 0.1f});

  std::atomic<bool> stop{false};
  std::thread changer([&] {
    for (int k = 0; !stop; ++k) {
      const float value = k % 2 ? 0.9f : 0.1f;
      detector.set_thresholds({value, value});
    }
  });
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t) {
    callers.emplace_back([&] {
      for (int k = 0; k < 30; ++k) {
        const Bits found = all_bits(detector);
        wrong += found != expected_low && found != expected_high;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  stop = true;
  changer.join();
  CHECK(wrong == 0);
}

TEST_CASE("threads: windows change while images are segmented") {
  SemanticSegmenter segmenter = make_segmenter(true, std::make_shared<Log>());
  const Images images;
  SemanticSegmenter whole = segmenter;
  whole.set_windows({});
  const Bits in_windows = bits_of(segmenter(images.images[3]));
  const Bits at_once = bits_of(whole(images.images[3]));
  REQUIRE(in_windows != at_once);
  const std::optional<CropWindows> windows = segmenter.windows();

  std::atomic<bool> stop{false};
  std::thread changer([&] {
    for (int k = 0; !stop; ++k) segmenter.set_windows(k % 2 ? std::nullopt : windows);
  });
  int wrong = 0;
  for (int k = 0; k < 30; ++k) {
    const Bits found = bits_of(segmenter(images.images[3]));
    wrong += found != in_windows && found != at_once;
  }
  stop = true;
  changer.join();
  CHECK(wrong == 0);
}

TEST_CASE("threads: a call that fails leaves the others whole") {
  for (const bool contexts : {false, true}) {
    const auto log = std::make_shared<Log>();
    TwoStageDetector detector = make_two_stage(contexts, log);
    const Images images;
    std::vector<Bits> expected;
    for (const Image& image : images.images) {
      expected.push_back(bits_of(detector.run({image}).front()));
    }
    log->fail_every = 7;
    std::atomic<int> wrong{0}, failed{0};
    std::vector<std::thread> callers;
    for (std::size_t t = 0; t < kThreads; ++t) {
      callers.emplace_back([&, t] {
        for (std::size_t k = 0; k < 20; ++k) {
          const std::size_t i = (t + k) % expected.size();
          try {
            wrong += bits_of(detector.run({images.images[i]}).front()) != expected[i];
          } catch (const Error&) {
            ++failed;
          }
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(wrong == 0);
    CHECK(failed > 0);
    log->fail_every = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(bits_of(detector.run({images.images[i]}).front()) == expected[i]);
    }
  }
}

TEST_CASE("threads: a call's own timing is added to what it is given") {
  Detector detector = make_detector(false, std::make_shared<Log>());
  const Images images;
  Timing timing;
  detector.run({images.images[0]}, 16, &timing);
  CHECK(timing.network_ms >= 0.05);
  CHECK(timing.network_ms == detector.timing().network_ms);
  const double first = timing.network_ms;
  detector.run({images.images[0]}, 16, &timing);
  CHECK(timing.network_ms == first + detector.timing().network_ms);
}

// The thread sanitizer allows no thread in a forked child.
#if (defined(__unix__) || defined(__APPLE__)) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a forked child is told to make its own model, also while a call runs in the parent") {
  Detector detector = make_detector(false, std::make_shared<Log>(), 2);
  const Images images;
  std::atomic<bool> stop{false};
  std::thread caller([&] {
    while (!stop) detector(images.images[0]);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a hang ends the child
    const std::string said =
        testing::refusal(ErrorCode::engine, [&] { detector(images.images[0]); });
    bool good = said ==
                "this model was made before its process forked, and its engine's threads stayed "
                "behind: make it in the child process";
    Detector own = make_detector(false, std::make_shared<Log>(), 2);
    good = good && !bits_of(own(images.images[0])).empty();
    _exit(good ? 0 : 1);
  }
  stop = true;
  caller.join();
  REQUIRE(child > 0);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif
