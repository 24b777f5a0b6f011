#include "engine/checked_engine.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "edgecv/error.hpp"
#include "fake_engine.hpp"
#include "refusal.hpp"

using edgecv::CheckedEngine;
using edgecv::DType;
using edgecv::ErrorCode;
using edgecv::Tensor;
using edgecv::testing::FakeEngine;
using edgecv::testing::refusal;

namespace {

struct Interrupt : std::runtime_error, edgecv::PassesThrough {
  using std::runtime_error::runtime_error;
};

Tensor tensor(void* data, edgecv::Shape shape, DType dtype = DType::float32,
              edgecv::Device device = edgecv::Device::cpu) {
  Tensor made;
  made.data = data;
  made.shape = std::move(shape);
  made.dtype = dtype;
  made.device = device;
  return made;
}

/// Throws what the test says.
class Throwing : public FakeEngine {
 public:
  Throwing()
      : FakeEngine({{"images", DType::float32, {1, 3}}}, {{"scores", DType::float32, {1}}}) {}
  void run() override { act(); }
  std::function<void()> act;
};

}  // namespace

TEST_CASE("an engine's exceptions name it, but for those that mean something else") {
  const auto engine = std::make_shared<Throwing>();
  CheckedEngine checked(engine);
  engine->act = [] { throw std::runtime_error("no power\r\nat all"); };
  CHECK(refusal(ErrorCode::engine, [&] { checked.run(); }) == "the engine failed: no power");
  engine->act = [] { throw 3; };
  CHECK(refusal(ErrorCode::engine, [&] { checked.run(); }) ==
        "the engine failed, with an exception that says nothing");
  engine->act = [] { throw edgecv::Error(ErrorCode::invalid_input, "mine"); };
  CHECK(refusal(ErrorCode::invalid_input, [&] { checked.run(); }) == "mine");
  engine->act = [] { throw std::bad_alloc(); };
  CHECK_THROWS_AS(checked.run(), std::bad_alloc);
  engine->act = [] { throw Interrupt("stop"); };
  CHECK_THROWS_AS(checked.run(), Interrupt);
}

TEST_CASE("outputs of an engine are checked before they are read") {
  const auto engine = std::make_shared<Throwing>();
  CheckedEngine checked(engine);
  float memory[4] = {};
  const auto refused = [&](const Tensor& tensor) {
    engine->results[0] = tensor;
    const std::string message = refusal(ErrorCode::engine, [&] { checked.output(0); });
    const std::string there = refusal(ErrorCode::engine, [&] { checked.output_in_place(0); });
    if (tensor.device == edgecv::Device::cpu) CHECK(message == there);
    return message;
  };
  CHECK(refused(tensor(memory, {1})) == "");
  CHECK(refused(tensor(nullptr, {0})) == "");
  CHECK(refused(tensor(nullptr, {1})) ==
        "the engine gave the output \"scores\" [1] without memory");
  CHECK(refused(tensor(memory, {-5})) == "the engine gave the output \"scores\" in the shape [?]");
  CHECK(refused(tensor(memory, {1}, DType::int64)) ==
        "the engine gave the output \"scores\" as int64, and says that it is float32");
  CHECK(refused(tensor(reinterpret_cast<char*>(memory) + 2, {1})) ==
        "the engine gave the output \"scores\" at an address that is no multiple of 4, the size of "
        "float32");
  CHECK(refused(tensor(memory, {1}, DType::float32, edgecv::Device::cuda)) ==
        "the engine gave the output \"scores\" in the memory of a GPU");
  const std::int64_t much = std::int64_t{1} << 40;
  CHECK(refused(tensor(memory, {much, much})).find("more elements than a 64-bit count") !=
        std::string::npos);
}
