#include "edgecv/detector.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "graph_ports.hpp"
#include "stopwatch.hpp"

namespace edgecv {

Detector::Detector(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads)
    : input_(bundle.manifest().input),
      postprocess_(std::get<SsdSpec>(bundle.manifest().postprocess), bundle.anchors(),
                   static_cast<int>(bundle.manifest().labels.size())),
      engine_(std::move(engine)),
      pool_(std::make_unique<ThreadPool>(threads)),
      scores_index_(find_output(*engine_, postprocess_.spec().scores_output)),
      boxes_index_(find_output(*engine_, postprocess_.spec().boxes_output)) {
  check_picture_input(*engine_, input_);
}

void Detector::set_thresholds(std::vector<float> thresholds) {
  check_thresholds(thresholds, postprocess_.classes());
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
  const SsdSpec& spec = postprocess_.spec();
  const std::int64_t columns = postprocess_.classes() + (spec.background != Background::none);
  const Tensor scores =
      float_output(*engine_, scores_index_, {batch, postprocess_.anchor_count(), columns});
  const std::int64_t anchors = scores.shape[1];
  const Tensor boxes = float_output(*engine_, boxes_index_, {batch, anchors, 4});
  for (std::size_t i = 0; i < count; ++i) {
    results.push_back(postprocess_(
        scores.as<float>() + i * anchors * columns, boxes.as<float>() + i * anchors * 4,
        static_cast<std::size_t>(anchors), geometries[i], thresholds_, *pool_));
  }
}

}  // namespace edgecv
