#include "edgecv/detector.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "graph_ports.hpp"
#include "one_stage.hpp"
#include "stopwatch.hpp"

namespace edgecv {

Detector::Detector(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads)
    : input_(bundle.manifest().input),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      method_(make_one_stage(bundle)),
      engine_(std::move(engine)),
      pool_(std::make_unique<ThreadPool>(threads)) {
  for (const OneStage::Output& output : method_->outputs()) {
    outputs_.push_back(find_output(*engine_, output.name));
  }
  check_picture_input(*engine_, input_);
}

Detector::~Detector() = default;

void Detector::set_thresholds(std::vector<float> thresholds) {
  check_thresholds(thresholds, classes_);
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
  const Shape shape = picture_shape(input_, batch, geometries[0].tensor);
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
  const std::vector<OneStage::Output> described = method_->outputs();
  std::int64_t anchors = method_->anchor_count(geometries[0].tensor);
  std::vector<Tensor> outputs;
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    outputs.push_back(float_output(*engine_, outputs_[k], {batch, anchors, described[k].columns}));
    anchors = outputs.back().shape[1];
  }
  std::vector<const float*> rows(outputs.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < rows.size(); ++k) {
      rows[k] = outputs[k].as<float>() + i * anchors * described[k].columns;
    }
    results.push_back(method_->detections(rows, static_cast<std::size_t>(anchors), geometries[i],
                                          thresholds_, *pool_));
  }
}

}  // namespace edgecv
