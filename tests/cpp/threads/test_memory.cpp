// Memory of models: used again from frame to frame, and what is left where there is none.
#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "edgecv/edgecv.hpp"
#include "model_doubles.hpp"
#include "refusal.hpp"

using namespace edgecv;
using namespace edgecv::testing;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool recycles = false;  // so that the sanitizer sees each vector
#else
constexpr bool recycles = true;
#endif

template <typename Model>
using ResultOf = decltype(std::declval<Model&>()(std::declval<const Image&>()));

/// After a few frames of each size no frame asks for memory; results are those of other calls.
template <typename Model>
void test_frames(Model model, bool one_size = false) {
  Images images;
  if (one_size) images.images.resize(1);
  std::vector<Bits> expected;
  for (const Image& image : images.images) expected.push_back(bits_of(model(image)));
  ResultOf<Model> result;
  for (int round = 0; round < 4; ++round) {
    for (std::size_t i = 0; i < images.images.size(); ++i) {
      const Allocations before = allocations();
      model(images.images[i], result);
      const Allocations after = allocations();
      CHECK(bits_of(result) == expected[i]);
      if (round < 2 || !recycles) continue;
      CHECK(after.count == before.count);
      CHECK(after.bytes == before.bytes);
    }
  }
}

/// What a call holds on to in no case.
template <typename Model>
void test_failures(Model model) {
  const Images images;
  const Image& image = images.images[2];
  const Bits expected = bits_of(model(image));
  const Bits nothing = bits_of(ResultOf<Model>());
  long in_use = 0;
  std::atomic<bool> happened{true};  // clang warns of a plain one, which only the thread changes
  long number = 0;
  for (; happened; ++number) {
    // A thread of its own has no memory yet.
    std::thread([&] {
      ResultOf<Model> result;
      bool threw = false;
      {
        const FailingAllocation failing(number);
        try {
          model(image, result);
        } catch (const std::bad_alloc&) {
          threw = true;
        }
        happened = failing.happened();
      }
      if (threw) {
        CHECK(happened);
        CHECK(bits_of(result) == nothing);
      }
      model(image, result);
      CHECK(bits_of(result) == expected);
    }).join();
    if (number > 0) CHECK(blocks_in_use() == in_use);
    in_use = blocks_in_use();
  }
  CHECK(number > 1);
}

/// Neither an exception of the engine nor NaN leaves a part of a result, or a model that is stuck.
template <typename Model>
void test_engine(const std::function<Model(const std::shared_ptr<Log>&)>& make) {
  const auto log = std::make_shared<Log>();
  Model model = make(log);
  const Images images;
  const Image& image = images.images[2];
  const Bits expected = bits_of(model(image));
  ResultOf<Model> result;
  model(image, result);
  log->fail_every = 1;  // throws and gives NaN by turns
  for (int call = 0; call < 6; ++call) {
    const std::string said = refusal(ErrorCode::engine, [&] { model(image, result); });
    CHECK(!said.empty());
    CHECK(bits_of(result) == bits_of(ResultOf<Model>()));
  }
  log->fail_every = 0;
  model(image, result);
  CHECK(bits_of(result) == expected);
}

}  // namespace

TEST_CASE("memory: no frame asks for any once results have grown") {
  const auto log = std::make_shared<Log>();
  SUBCASE("classifier") { test_frames(make_classifier(false, log)); }
  SUBCASE("detector") { test_frames(make_detector(false, log)); }
  SUBCASE("whole segmentation") {
    SemanticSegmenter segmenter = make_segmenter(false, log);
    segmenter.set_windows({});
    test_frames(std::move(segmenter));
  }
  SUBCASE("stylizer") {
    Stylizer stylizer = make_stylizer(false, log);
    stylizer.set_tiling(Tiling::never);
    test_frames(std::move(stylizer), true);
  }
}

TEST_CASE("memory: a failing allocation leaves no part of a result, and the next call works") {
  const auto log = std::make_shared<Log>();
  SUBCASE("classifier") { test_failures(make_classifier(false, log)); }
  SUBCASE("detector") { test_failures(make_detector(false, log)); }
  SUBCASE("two stages") { test_failures(make_two_stage(false, log)); }
  SUBCASE("segmentation in windows") { test_failures(make_segmenter(false, log)); }
  SUBCASE("whole segmentation") {
    SemanticSegmenter segmenter = make_segmenter(false, log);
    segmenter.set_windows({});
    test_failures(std::move(segmenter));
  }
  SUBCASE("stylizer") { test_failures(make_stylizer(false, log)); }
  SUBCASE("stylizer in tiles") {
    Stylizer stylizer = make_stylizer(false, log);
    stylizer.set_tiling(Tiling::always);
    test_failures(std::move(stylizer));
  }
}

TEST_CASE("memory: an engine that throws or gives NaN leaves no part of a result") {
  using LogPointer = std::shared_ptr<Log>;
  test_engine<Classifier>([](const LogPointer& log) { return make_classifier(false, log); });
  test_engine<Detector>([](const LogPointer& log) { return make_detector(false, log); });
  test_engine<TwoStageDetector>([](const LogPointer& log) { return make_two_stage(false, log); });
  test_engine<SemanticSegmenter>([](const LogPointer& log) { return make_segmenter(false, log); });
  test_engine<Stylizer>([](const LogPointer& log) { return make_stylizer(false, log); });
}

TEST_CASE("memory: a failing allocation leaves settings as they are, and gives all back") {
  const auto log = std::make_shared<Log>();
  Detector detector = make_detector(false, log);
  const Images images;
  detector.set_thresholds({0.7f, 0.2f});
  const Bits expected = bits_of(detector(images.images[1]));
  for (long number = 0;; ++number) {
    {
      const FailingAllocation failing(number);
      try {
        detector.set_thresholds({{"cat", 0.9f}});
        break;
      } catch (const std::bad_alloc&) {
      }
    }
    CHECK(bits_of(detector(images.images[1])) == expected);
  }
  CHECK(bits_of(detector(images.images[1])) != expected);
}

/// libc++ before 16 leaks a vector whose copy fails half-way: there the model only must not crash.
TEST_CASE("memory: a model that cannot be made gives all back") {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v1");
  const GraphFile& graph = bundle.manifest().graphs.at("main")[0];
  const auto make = [&] {
    const Detector model(bundle, std::make_shared<Mixer>(graph, fixed_rows({{20, 3}, {20, 4}}),
                                                         false, std::make_shared<Log>()));
  };
  make();
  const long before = blocks_in_use();
  long number = 0;
  for (bool happened = true; happened; ++number) {
    {
      const FailingAllocation failing(number);
      try {
        make();
      } catch (const std::bad_alloc&) {
      }
      happened = failing.happened();
    }
#if !defined(_LIBCPP_VERSION) || _LIBCPP_VERSION >= 16000
    REQUIRE(blocks_in_use() == before);
#endif
  }
  CHECK(blocks_in_use() >= before);
  CHECK(number > 20);
}
