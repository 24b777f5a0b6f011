// Models move, and are kept in containers.
#include <doctest/doctest.h>

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "model_doubles.hpp"
#include "refusal.hpp"
#include "threads/own_threads.hpp"

using namespace edgecv;
using namespace edgecv::testing;

namespace {

/// A vector that grows moves its models, a copy shares the engines, and all give the same.
template <typename Model>
void test_moves(Model first) {
  static_assert(std::is_nothrow_move_constructible_v<Model>);
  static_assert(std::is_nothrow_move_assignable_v<Model>);
  static_assert(std::is_copy_constructible_v<Model> && std::is_copy_assignable_v<Model>);
  const Images images;
  const Image& image = images.images[2];
  const Bits expected = bits_of(first(image));
  std::vector<Model> models;
  models.push_back(first);
  for (int i = 0; i < 8; ++i) models.push_back(std::move(models.back()));
  CHECK(bits_of(models.back()(image)) == expected);
  Model moved = std::move(models.back());
  models.clear();
  CHECK(bits_of(moved(image)) == expected);
  models.push_back(std::move(moved));
  moved = std::move(models.back());
  CHECK(bits_of(moved(image)) == expected);
  CHECK(bits_of(first(image)) == expected);
}

template <typename Model>
void run_with(Model& model, const std::vector<Image>& images, int max_batch) {
  model.run(images, max_batch);
}

void run_with(SemanticSegmenter& model, const std::vector<Image>& images, int max_batch) {
  model.run(images, false, max_batch);
}

}  // namespace

TEST_CASE("models move into and out of vectors") {
  const auto log = std::make_shared<Log>();
  test_moves(make_classifier(false, log));
  test_moves(make_detector(false, log));
  test_moves(make_two_stage(false, log));
  test_moves(make_segmenter(false, log));
  test_moves(make_stylizer(false, log));
}

TEST_CASE("a moved model has its settings") {
  const auto log = std::make_shared<Log>();
  const Images images;
  Detector detector = make_detector(false, log);
  detector.set_thresholds({0.9f, 0.9f});
  const Bits expected = bits_of(detector(images.images[2]));
  Detector moved = std::move(detector);
  CHECK(bits_of(moved(images.images[2])) == expected);
  CHECK(expected != bits_of(make_detector(false, log)(images.images[2])));
}

TEST_CASE("a batch below 1 is refused") {
  const auto log = std::make_shared<Log>();
  const Images images;
  const auto said = [&](auto model) {
    return refusal(ErrorCode::invalid_input, [&] { run_with(model, images.images, 0); });
  };
  CHECK(said(make_classifier(false, log)) == "max_batch: expected 1 or more, got 0");
  CHECK(said(make_detector(false, log)) == "max_batch: expected 1 or more, got 0");
  CHECK(said(make_segmenter(false, log)) == "max_batch: expected 1 or more, got 0");
  CHECK(log->runs == 0);
}

TEST_CASE("models of one process share their threads") {
  const auto log = std::make_shared<Log>();
  const Detector first = make_detector(false, log, 8);
  const int before = own_threads();
  const Classifier second = make_classifier(false, log, 8);
  const Stylizer third = make_stylizer(false, log, 8);
  const SemanticSegmenter fourth = make_segmenter(false, log, 5);
  const TwoStageDetector fifth = make_two_stage(false, log, 0);
  CHECK(own_threads() == before);
}

namespace {

/// One thread that counts its loops.
class Counted : public Executor {
 public:
  int threads() const override { return 1; }
  void parallel_for(int count, int, const std::function<void(int, int)>& body) override {
    ++loops;
    body(0, count);
  }
  int loops = 0;
};

template <typename Model>
void test_executor(Model own, Model given, Counted& executor) {
  const Images images;
  for (const Image& image : images.images) {
    const int before = executor.loops;
    CHECK(bits_of(given(image)) == bits_of(own(image)));
    CHECK(executor.loops > before);
  }
}

}  // namespace

TEST_CASE("models run their loops on the application's executor") {
  const auto log = std::make_shared<Log>();
  const auto counted = std::make_shared<Counted>();
  const std::shared_ptr<Executor> executor = counted;
  test_executor(make_classifier(false, log), make_classifier(false, log, executor), *counted);
  test_executor(make_detector(false, log), make_detector(false, log, executor), *counted);
  test_executor(make_two_stage(false, log), make_two_stage(false, log, executor), *counted);
  test_executor(make_segmenter(false, log), make_segmenter(false, log, executor), *counted);
  test_executor(make_stylizer(false, log), make_stylizer(false, log, executor), *counted);
}
