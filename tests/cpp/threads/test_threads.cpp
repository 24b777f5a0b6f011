// Pipelines that several threads call at once, over engines that tell calls apart.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "model_doubles.hpp"
#include "refusal.hpp"
#include "threads/processors.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace edgecv;
using namespace edgecv::testing;

namespace {

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
    Classifier classifier = make_classifier(contexts, log, threads);
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
  for (const int threads : {1, usable_processors()}) {
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
    const std::string said = refusal(ErrorCode::engine, [&] { detector(images.images[0]); });
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
