#include "edgecv/detection/detector.hpp"

#include <array>
#include <utility>

#include "detection/one_stage.hpp"
#include "engine/engine_sets.hpp"
#include "engine/graph_ports.hpp"
#include "engine/image_batches.hpp"
#include "threads/guarded_executor.hpp"

namespace edgecv {

Detector::Detector(const Bundle& bundle, std::shared_ptr<Engine> engine,
                   std::shared_ptr<Executor> executor)
    : ModelInfo(bundle),
      input_(bundle.manifest().input),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      operating_(operating_thresholds(bundle.manifest())),
      method_(make_one_stage(bundle)),
      pool_(guarded(std::move(executor))),
      engines_(share_engines({require_engine(std::move(engine), "main")}, *pool_)),
      thresholds_(std::make_shared<const std::vector<float>>(operating_)) {
  const Engine& main = engines_->about(0);
  for (const OneStage::Output& output : method_->outputs()) {
    outputs_.push_back(find_output(main, output.name));
    columns_.push_back(output.columns);
  }
  check_image_input(main, input_);
}

void Detector::set_thresholds(std::vector<float> thresholds) {
  check_thresholds(thresholds, classes_);
  if (thresholds.empty()) thresholds = operating_;
  thresholds_.set(std::make_shared<const std::vector<float>>(std::move(thresholds)));
}

void Detector::set_thresholds(std::initializer_list<std::pair<const std::string, float>> by_name) {
  if (by_name.size() == 0) return set_thresholds(std::vector<float>());  // as set_thresholds({})
  change_thresholds(by_name);
}

void Detector::change_thresholds(const std::map<std::string, float>& by_name) {
  thresholds_.change([&](std::shared_ptr<const std::vector<float>>& all) {
    std::vector<float> changed = *all;
    edgecv::change_thresholds(changed, labels(), by_name);
    all = std::make_shared<const std::vector<float>>(std::move(changed));
  });
}

void Detector::operator()(const Image& image, Detections& result) {
  Detections found = std::exchange(result, {});
  run_all({&image, 1}, &found, 1, nullptr);
  result = std::move(found);
}

std::vector<Detections> Detector::run(const std::vector<Image>& images, int max_batch,
                                      Timing* timing) {
  check_max_batch(max_batch);
  std::vector<Detections> results(images.size());
  run_all(span_of(images), results.data(), max_batch, timing);
  return results;
}

void Detector::run_all(Span<const Image> images, Detections* results, int max_batch,
                       Timing* timing) {
  const std::shared_ptr<const std::vector<float>> thresholds = thresholds_.get();
  const EngineSets::Turn turn(*engines_);
  Engine& engine = turn.engine(0);
  Timing spent;
  run_batches(engine, input_, images, max_batch, *pool_, spent, [&](const ImageBatch& batch) {
    std::int64_t anchors = method_->anchor_count(batch.geometries[0].tensor);
    std::array<Tensor, 3> outputs;
    for (std::size_t k = 0; k < outputs_.size(); ++k) {
      outputs[k] = float_output(engine, outputs_[k], {batch.rows, anchors, columns_[k]});
      anchors = outputs[k].shape[1];
    }
    for (std::size_t i = 0; i < batch.count; ++i) {
      OneStage::Rows rows{};
      for (std::size_t k = 0; k < outputs_.size(); ++k) {
        rows[k] = outputs[k].as<float>() + static_cast<std::int64_t>(i) * anchors * columns_[k];
      }
      Detections& result = results[batch.first + i];
      result = method_->detections(rows, static_cast<std::size_t>(anchors), batch.geometries[i],
                                   *thresholds, *pool_, std::move(result));
    }
  });
  timing_.set(spent);
  if (timing) *timing += spent;
}

}  // namespace edgecv
