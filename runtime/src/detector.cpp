#include "edgecv/detector.hpp"

#include <utility>

#include "graph_ports.hpp"
#include "one_stage.hpp"
#include "picture_batches.hpp"

namespace edgecv {

Detector::Detector(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads)
    : input_(bundle.manifest().input),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      operating_(operating_thresholds(bundle.manifest())),
      thresholds_(operating_),
      method_(make_one_stage(bundle)),
      engine_(require_engine(std::move(engine), "main")),
      pool_(std::make_unique<ThreadPool>(threads)) {
  for (const OneStage::Output& output : method_->outputs()) {
    outputs_.push_back(find_output(*engine_, output.name));
  }
  check_picture_input(*engine_, input_);
}

Detector::~Detector() = default;

void Detector::set_thresholds(std::vector<float> thresholds) {
  check_thresholds(thresholds, classes_);
  thresholds_ = thresholds.empty() ? operating_ : std::move(thresholds);
}

std::vector<Detections> Detector::run(const std::vector<Image>& images, int max_batch) {
  timing_ = {};
  std::vector<Detections> results;
  results.reserve(images.size());
  run_batches(*engine_, input_, images, max_batch, *pool_, timing_,
              [&](const PictureBatch& batch) { read_batch(batch, results); });
  return results;
}

void Detector::read_batch(const PictureBatch& batch, std::vector<Detections>& results) {
  const std::vector<OneStage::Output> described = method_->outputs();
  std::int64_t anchors = method_->anchor_count(batch.geometries[0].tensor);
  std::vector<Tensor> outputs;
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    outputs.push_back(
        float_output(*engine_, outputs_[k], {batch.rows, anchors, described[k].columns}));
    anchors = outputs.back().shape[1];
  }
  std::vector<const float*> rows(outputs.size());
  for (std::size_t i = 0; i < batch.count; ++i) {
    for (std::size_t k = 0; k < rows.size(); ++k) {
      rows[k] = outputs[k].as<float>() + i * anchors * described[k].columns;
    }
    results.push_back(method_->detections(rows, static_cast<std::size_t>(anchors),
                                          batch.geometries[i], thresholds_, *pool_));
  }
}

}  // namespace edgecv
