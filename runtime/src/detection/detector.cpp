#include "edgecv/detection/detector.hpp"

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
      thresholds_(operating_) {
  const Engine& main = engines_->about(0);
  for (const OneStage::Output& output : method_->outputs()) {
    outputs_.push_back(find_output(main, output.name));
  }
  check_image_input(main, input_);
}

void Detector::set_thresholds(std::vector<float> thresholds) {
  check_thresholds(thresholds, classes_);
  thresholds_.set(thresholds.empty() ? operating_ : std::move(thresholds));
}

void Detector::set_thresholds(std::initializer_list<std::pair<const std::string, float>> by_name) {
  if (by_name.size() == 0) return set_thresholds(std::vector<float>());  // as set_thresholds({})
  change_thresholds(by_name);
}

void Detector::change_thresholds(const std::map<std::string, float>& by_name) {
  thresholds_.change(
      [&](std::vector<float>& all) { edgecv::change_thresholds(all, labels(), by_name); });
}

std::vector<Detections> Detector::run(const std::vector<Image>& images, int max_batch,
                                      Timing* timing) {
  check_max_batch(max_batch);
  const std::vector<float> thresholds = thresholds_.get();
  const std::vector<OneStage::Output> described = method_->outputs();
  const EngineSets::Turn turn(*engines_);
  Engine& engine = turn.engine(0);
  Timing spent;
  std::vector<Detections> results;
  results.reserve(images.size());
  run_batches(engine, input_, images, max_batch, *pool_, spent, [&](const ImageBatch& batch) {
    std::int64_t anchors = method_->anchor_count(batch.geometries[0].tensor);
    std::vector<Tensor> outputs;
    for (std::size_t k = 0; k < outputs_.size(); ++k) {
      outputs.push_back(
          float_output(engine, outputs_[k], {batch.rows, anchors, described[k].columns}));
      anchors = outputs.back().shape[1];
    }
    std::vector<const float*> rows(outputs.size());
    for (std::size_t i = 0; i < batch.count; ++i) {
      for (std::size_t k = 0; k < rows.size(); ++k) {
        rows[k] = outputs[k].as<float>() + i * anchors * described[k].columns;
      }
      results.push_back(method_->detections(rows, static_cast<std::size_t>(anchors),
                                            batch.geometries[i], thresholds, *pool_));
    }
  });
  timing_.set(spent);
  if (timing) *timing += spent;
  return results;
}

}  // namespace edgecv
