#include "edgecv/engine/conformance.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "edgecv/error.hpp"
#include "engine/checked_engine.hpp"

namespace edgecv {
namespace {

using Shapes = std::vector<Shape>;

/// An output as it came, copied.
struct Output {
  Shape shape;
  std::vector<unsigned char> bytes;
  bool operator==(const Output& other) const {
    return shape == other.shape && bytes == other.bytes;
  }
};
using Outputs = std::vector<Output>;

std::size_t bytes_of(const Tensor& tensor) {
  return static_cast<std::size_t>(element_count(tensor.shape)) * element_size(tensor.dtype);
}

/// Small numbers that fit every dtype and differ from place to place.
void fill(const Tensor& tensor, unsigned seed) {
  const auto count = static_cast<std::size_t>(element_count(tensor.shape));
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned step = static_cast<unsigned>(i * 7 + seed * 3) % 5;  // 0..4
    switch (tensor.dtype) {
      case DType::float32:
        tensor.as<float>()[i] = static_cast<float>(step) * 0.25f;
        break;
      case DType::float16: {
        constexpr std::uint16_t quarters[] = {0x0000, 0x3400, 0x3800, 0x3A00, 0x3C00};
        tensor.as<std::uint16_t>()[i] = quarters[step];
        break;
      }
      case DType::uint8:
        tensor.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(step * 50);
        break;
      case DType::int32:
        tensor.as<std::int32_t>()[i] = static_cast<std::int32_t>(step % 2);
        break;
      case DType::int64:
        tensor.as<std::int64_t>()[i] = static_cast<std::int64_t>(step % 2);
        break;
    }
  }
}

/// Memory of the caller's with as many bytes as a tensor needs, and no more.
struct Own {
  Own(const TensorSpec& spec, const Shape& shape) {
    tensor.dtype = spec.dtype;
    tensor.shape = shape;
    memory.resize(bytes_of(tensor) / sizeof(std::max_align_t) + 1);
    tensor.data = memory.data();
  }
  std::vector<std::max_align_t> memory;
  Tensor tensor;
};

/// The rules, each with what is told if it is broken.
class Trial {
 public:
  Trial(Engine& engine, const std::vector<Shapes>& sets)
      // The pipelines' own checks count, too. The caller keeps the engine.
      : given_(engine), checked_(std::shared_ptr<Engine>(&engine, [](Engine*) {})), sets_(sets) {
    if (!sets.empty()) shapes_ = sets[0];
  }

  std::vector<std::string> run() {
    rule("it describes itself", [&] { describes_itself(); });
    if (!broken_.empty()) return broken_;
    require_fitting_shapes();
    rule("it runs", [&] { usual_ = run_own(checked_, shapes_, 1); });
    if (!broken_.empty()) return broken_;
    rule("a second run on the same inputs gives the same", [&] {
      checked_.run();
      expect(read(checked_) == usual_, "outputs differ");
    });
    rule("outputs stay as they are until the next run", [&] { outputs_stay(); });
    rule("input() gives the same values back until it is called again", [&] { inputs_stay(); });
    rule("it runs on the caller's memory", [&] { runs_on_callers_memory(); });
    rule("output_in_place() of one run goes into the next", [&] { in_place(); });
    rule("it runs in other shapes", [&] { other_shapes(); });
    rule("an error, and no more, for a shape that does not fit", [&] { refuses_shapes(); });
    rule("an error for another dtype", [&] { refuses_dtype(); });
    rule("it is called by another thread", [&] { other_thread(); });
    rule("a further context has inputs and outputs of its own", [&] { further_context(); });
    return broken_;
  }

 private:
  void rule(const std::string& text, const std::function<void()>& check) {
    try {
      check();
    } catch (const std::exception& error) {
      const std::string what = error.what();
      broken_.push_back(text + ": " + what.substr(0, what.find_first_of("\r\n")));
    }
  }

  static void expect(bool holds, const std::string& told) {
    if (!holds) throw Error(ErrorCode::engine, told);
  }

  const std::vector<TensorSpec>& inputs() const { return given_.inputs(); }
  const std::vector<TensorSpec>& outputs() const { return given_.outputs(); }

  void describes_itself() const {
    for (const auto* ports : {&inputs(), &outputs()}) {
      const std::string kind = ports == &inputs() ? "inputs" : "outputs";
      expect(!ports->empty(), kind + "() is empty");
      std::set<std::string> names;
      for (const TensorSpec& spec : *ports) {
        expect(!spec.name.empty(), "one of " + kind + "() has no name");
        expect(names.insert(spec.name).second, kind + "() has \"" + spec.name + "\" twice");
        expect(std::all_of(spec.shape.begin(), spec.shape.end(), [](auto n) { return n >= -1; }),
               "\"" + spec.name + "\" has an axis below -1");
      }
    }
    expect(!given_.name().empty() && given_.name().find('\n') == std::string::npos,
           "name() is not one line");
    checked_.batch_range();
  }

  void require_fitting_shapes() const {
    if (sets_.empty()) {
      throw Error(ErrorCode::invalid_input, "shapes: expected a set with one for each input");
    }
    for (const Shapes& shapes : sets_) {
      if (shapes.size() != inputs().size()) {
        throw Error(ErrorCode::invalid_input, "shapes: expected one for each of " +
                                                  std::to_string(inputs().size()) +
                                                  " inputs, got " + std::to_string(shapes.size()));
      }
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        if (fits(shapes[i], inputs()[i].shape)) continue;
        throw Error(ErrorCode::invalid_input, "shapes: \"" + inputs()[i].name + "\" is " +
                                                  to_string(inputs()[i].shape) + ", got " +
                                                  to_string(shapes[i]));
      }
    }
  }

  static bool fits(const Shape& shape, const Shape& spec) {
    return std::equal(
        shape.begin(), shape.end(), spec.begin(), spec.end(),
        [](auto length, auto axis) { return axis < 0 ? length >= 0 : length == axis; });
  }

  Outputs read(Engine& engine) const {
    Outputs all;
    for (std::size_t i = 0; i < outputs().size(); ++i) {
      const Tensor tensor = engine.output(i);
      expect(fits(tensor.shape, outputs()[i].shape),
             "the output \"" + outputs()[i].name + "\" came as " + to_string(tensor.shape) +
                 ", and outputs() says " + to_string(outputs()[i].shape));
      const auto* bytes = tensor.as<unsigned char>();
      Output output{tensor.shape, {}};
      if (const std::size_t size = bytes_of(tensor); size > 0) {
        output.bytes.assign(bytes, bytes + size);
      }
      all.push_back(std::move(output));
    }
    return all;
  }

  static void fill_own(Engine& engine, const Shapes& shapes, unsigned seed) {
    std::vector<Tensor> buffers;
    for (std::size_t i = 0; i < shapes.size(); ++i) buffers.push_back(engine.input(i, shapes[i]));
    // Filled after all were asked for: each has memory of its own.
    for (const Tensor& buffer : buffers) fill(buffer, seed);
  }

  Outputs run_own(Engine& engine, const Shapes& shapes, unsigned seed) const {
    fill_own(engine, shapes, seed);
    engine.run();
    return read(engine);
  }

  Outputs run_bound(Engine& engine, const Shapes& shapes, unsigned seed) {
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      held_.push_back(std::make_unique<Own>(inputs()[i], shapes[i]));
      engine.bind(i, held_.back()->tensor);
      fill(held_.back()->tensor, seed);  // after bind(): it is read when the engine runs
    }
    engine.run();
    return read(engine);
  }

  void outputs_stay() {
    fill_own(checked_, shapes_, 2);
    expect(read(checked_) == usual_, "filling the inputs changed them");
    checked_.run();
    const Outputs others = read(checked_);
    expect(run_own(checked_, shapes_, 1) == usual_, "outputs differ from those of the first run");
    expect(others == run_own(checked_, shapes_, 2), "outputs differ between two runs");
  }

  void inputs_stay() {
    fill_own(checked_, shapes_, 1);
    checked_.run();
    checked_.run();
    expect(read(checked_) == usual_, "a run changed its inputs");
  }

  void runs_on_callers_memory() {
    expect(run_bound(checked_, shapes_, 1) == usual_, "outputs differ from those of input()");
    const Outputs others = run_own(checked_, shapes_, 2);
    expect(run_bound(checked_, shapes_, 2) == others, "bind() after input() has no effect");
    expect(run_own(checked_, shapes_, 1) == usual_, "input() after bind() has no effect");
  }

  /// Each output into each input that it fits, as feature maps go from graph to graph.
  void in_place() {
    for (int round = 0; round < 2; ++round) {  // some engines place outputs after the first
      run_own(checked_, shapes_, 1);
      for (std::size_t i = 0; i < outputs().size(); ++i) {
        const Tensor there = checked_.output_in_place(i);
        const Tensor here = checked_.output(i);
        expect(there.shape == here.shape, "its shape differs from that of output()");
        if (there.device == Device::cpu && bytes_of(here) > 0) {
          expect(std::memcmp(there.data, here.data, bytes_of(here)) == 0,
                 "its values differ from those of output()");
        }
      }
    }
    expect(read(checked_) == usual_, "outputs differ from those of the first run");
  }

  void other_shapes() {
    for (const Shapes& shapes : sets_) {
      const Outputs own = run_own(checked_, shapes, 1);
      expect(run_bound(checked_, shapes, 1) == own, "outputs differ between input() and bind()");
      expect(run_own(checked_, shapes_, 1) == usual_, "outputs differ in the first shapes again");
    }
  }

  void fill_and_run(const Shapes& shapes) {
    fill_own(checked_, shapes, 1);
    checked_.run();
  }

  /// One axis more, and another length of a fixed axis.
  void refuses_shapes() {
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      Shapes longer = shapes_;
      longer[i].push_back(1);
      refuses([&] { fill_and_run(longer); }, to_string(longer[i]));
      for (std::size_t axis = 0; axis < shapes_[i].size(); ++axis) {
        if (inputs()[i].shape[axis] < 0) continue;
        Shapes other = shapes_;
        ++other[i][axis];
        refuses([&] { fill_and_run(other); }, to_string(other[i]));
        break;
      }
    }
    expect(run_own(checked_, shapes_, 1) == usual_, "after the error outputs differ");
  }

  void refuses_dtype() {
    TensorSpec other = inputs()[0];
    other.dtype = other.dtype == DType::int64 ? DType::float32 : DType::int64;
    const Own own(other, shapes_[0]);
    refuses([&] { checked_.bind(0, own.tensor); }, to_string(other.dtype));
    expect(run_own(checked_, shapes_, 1) == usual_, "after the error outputs differ");
  }

  static void refuses(const std::function<void()>& action, const std::string& what) {
    try {
      action();
    } catch (const Error& error) {
      expect(std::string(error.what()).find('\n') == std::string::npos,
             "the message has more than one line");
      return;
    }
    throw Error(ErrorCode::engine, "it took " + what);
  }

  void other_thread() {
    std::exception_ptr failed;
    Outputs there;
    std::thread thread([&] {
      try {
        there = run_own(checked_, shapes_, 1);
      } catch (...) {
        failed = std::current_exception();
      }
    });
    thread.join();
    if (failed) std::rethrow_exception(failed);
    expect(there == usual_, "outputs differ");
    expect(read(checked_) == usual_, "outputs differ in the first thread");
  }

  void further_context() {
    std::shared_ptr<Engine> other = checked_.new_context();
    if (!other) return;
    const Outputs second = run_own(*other, shapes_, 2);
    expect(run_own(checked_, shapes_, 1) == usual_, "outputs of the first differ");
    expect(read(*other) == second, "a run of the first changed outputs of the second");
    bool same = true;
    std::exception_ptr failed;
    std::thread thread([&] {
      try {
        for (int i = 0; i < 8; ++i) same = same && run_own(*other, shapes_, 2) == second;
      } catch (...) {
        failed = std::current_exception();
      }
    });
    std::exception_ptr failed_here;
    bool same_here = true;
    try {
      for (int i = 0; i < 8; ++i) same_here = same_here && run_own(checked_, shapes_, 1) == usual_;
    } catch (...) {
      failed_here = std::current_exception();
    }
    thread.join();
    if (failed) std::rethrow_exception(failed);
    if (failed_here) std::rethrow_exception(failed_here);
    expect(same && same_here, "outputs differ where both run at once");
  }

  Engine& given_;
  CheckedEngine checked_;
  const std::vector<Shapes>& sets_;
  Shapes shapes_;  // the usual ones
  Outputs usual_;
  std::vector<std::string> broken_;
  std::vector<std::unique_ptr<Own>>
      held_;  // bound: an engine that holds on to it is told, not ended
};

}  // namespace

std::vector<std::string> engine_conformance(Engine& engine,
                                            const std::vector<std::vector<Shape>>& shapes) {
  return Trial(engine, shapes).run();
}

}  // namespace edgecv
