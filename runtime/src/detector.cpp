#include "edgecv/detector.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <utility>

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

/// Adds the time from its making to its end.
class Stopwatch {
 public:
  explicit Stopwatch(double& total_ms) : total_ms_(total_ms) {}
  ~Stopwatch() {
    const std::chrono::duration<double, std::milli> elapsed = Clock::now() - start_;
    total_ms_ += elapsed.count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  double& total_ms_;
  Clock::time_point start_ = Clock::now();
};

std::size_t find_output(const Engine& engine, const std::string& name) {
  const std::vector<TensorSpec>& outputs = engine.outputs();
  std::string names;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].name == name) return i;
    names += (i ? ", \"" : "\"") + outputs[i].name + "\"";
  }
  throw Error(ErrorCode::engine, "the network has no output \"" + name + "\", only " + names +
                                     ": the graph and the manifest do not belong together");
}

Shape input_shape(const InputSpec& spec, std::int64_t batch, Size size) {
  if (spec.layout == Layout::nhwc) return {batch, size.height, size.width, spec.channels()};
  return {batch, spec.channels(), size.height, size.width};
}

void check_input(const Engine& engine, const InputSpec& spec) {
  const std::vector<TensorSpec>& inputs = engine.inputs();
  if (inputs.size() != 1) {
    throw Error(ErrorCode::engine, "a detector's network takes one input, this one takes " +
                                       std::to_string(inputs.size()));
  }
  if (inputs[0].dtype != spec.dtype || inputs[0].shape.size() != 4) {
    throw Error(ErrorCode::engine, "input \"" + inputs[0].name + "\" is " +
                                       to_string(inputs[0].dtype) + " " +
                                       to_string(inputs[0].shape) + ", the manifest prepares " +
                                       to_string(spec.dtype) + " with 4 axes");
  }
}

/// An output of `batch` pictures, checked.
Tensor checked_output(Engine& engine, std::size_t index, std::int64_t batch, std::int64_t anchors,
                      std::int64_t columns) {
  Tensor tensor = engine.output(index);
  const bool shape_fits = tensor.shape.size() == 3 && tensor.shape[0] == batch &&
                          (anchors < 0 || tensor.shape[1] == anchors) && tensor.shape[2] == columns;
  if (!shape_fits || tensor.dtype != DType::float32) {
    throw Error(ErrorCode::engine, "output \"" + engine.outputs()[index].name + "\" came as " +
                                       to_string(tensor.dtype) + " " + to_string(tensor.shape) +
                                       ", the manifest says float32 " +
                                       to_string(Shape{batch, anchors, columns}));
  }
  return tensor;
}

}  // namespace

Detector::Detector(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads)
    : input_(bundle.manifest().input),
      postprocess_(bundle.manifest().postprocess, bundle.anchors(),
                   static_cast<int>(bundle.manifest().labels.size())),
      engine_(std::move(engine)),
      pool_(std::make_unique<ThreadPool>(threads)),
      scores_index_(find_output(*engine_, postprocess_.spec().scores_output)),
      boxes_index_(find_output(*engine_, postprocess_.spec().boxes_output)) {
  check_input(*engine_, input_);
}

void Detector::set_thresholds(std::vector<float> thresholds) {
  if (!thresholds.empty() &&
      thresholds.size() != static_cast<std::size_t>(postprocess_.classes())) {
    throw Error(ErrorCode::invalid_input, "expected " + std::to_string(postprocess_.classes()) +
                                              " thresholds, one for each class, got " +
                                              std::to_string(thresholds.size()));
  }
  for (const float threshold : thresholds) {
    if (!(threshold >= 0 && threshold <= 1)) {
      throw Error(ErrorCode::invalid_input, "a score threshold lies between 0 and 1");
    }
  }
  thresholds_ = std::move(thresholds);
}

std::vector<Detections> Detector::run(const std::vector<Image>& images, int max_batch) {
  timing_ = {};
  std::vector<Geometry> geometries;
  geometries.reserve(images.size());
  for (const Image& image : images) {
    check(image);
    geometries.push_back(plan(input_, image.size()));
  }
  const std::int64_t batch_axis = engine_->inputs()[0].shape[0];
  const std::size_t most =
      batch_axis > 0 ? static_cast<std::size_t>(batch_axis) : std::max(1, max_batch);

  std::vector<Detections> results;
  results.reserve(images.size());
  for (std::size_t start = 0; start < images.size();) {
    std::size_t count = 1;
    while (count < most && start + count < images.size() &&
           geometries[start + count].tensor == geometries[start].tensor) {
      ++count;
    }
    run_batch(&images[start], &geometries[start], count, results);
    start += count;
  }
  return results;
}

void Detector::run_batch(const Image* images, const Geometry* geometries, std::size_t count,
                         std::vector<Detections>& results) {
  const std::int64_t batch_axis = engine_->inputs()[0].shape[0];
  const std::int64_t batch = batch_axis > 0 ? batch_axis : static_cast<std::int64_t>(count);
  const Shape shape = input_shape(input_, batch, geometries[0].tensor);
  const std::size_t picture_bytes =
      static_cast<std::size_t>(element_count(shape) / batch) * element_size(input_.dtype);
  {
    Stopwatch watch(timing_.preprocess_ms);
    const Tensor input = engine_->input(0, shape);
    for (std::size_t i = 0; i < count; ++i) {
      preprocess(images[i], input_, geometries[i], input.as<char>() + i * picture_bytes, *pool_);
    }
    // A fixed batch that is not full: the rest must at least be numbers.
    std::memset(input.as<char>() + count * picture_bytes, 0, (batch - count) * picture_bytes);
  }
  {
    Stopwatch watch(timing_.network_ms);
    engine_->run();
  }
  Stopwatch watch(timing_.postprocess_ms);
  const SsdSpec& spec = postprocess_.spec();
  const std::int64_t columns = postprocess_.classes() + (spec.background != Background::none);
  const Tensor scores =
      checked_output(*engine_, scores_index_, batch, postprocess_.anchor_count(), columns);
  const std::int64_t anchors = scores.shape[1];
  const Tensor boxes = checked_output(*engine_, boxes_index_, batch, anchors, 4);
  for (std::size_t i = 0; i < count; ++i) {
    results.push_back(postprocess_(
        scores.as<float>() + i * anchors * columns, boxes.as<float>() + i * anchors * 4,
        static_cast<std::size_t>(anchors), geometries[i], thresholds_, *pool_));
  }
}

}  // namespace edgecv
