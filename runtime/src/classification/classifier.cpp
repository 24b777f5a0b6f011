#include "edgecv/classification/classifier.hpp"

#include <utility>

#include "bundle/pipeline_of.hpp"
#include "engine/engine_sets.hpp"
#include "engine/graph_ports.hpp"
#include "engine/image_batches.hpp"
#include "scores/one_score.hpp"
#include "threads/guarded_executor.hpp"

namespace edgecv {

Classifier::Classifier(const Bundle& bundle, std::shared_ptr<Engine> engine,
                       std::shared_ptr<Executor> executor)
    : ModelInfo(bundle),
      input_(bundle.manifest().input),
      spec_(postprocess_for<ClassifySpec>("Classifier", bundle)),
      pairs_spec_(spec_),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      columns_(score_columns(bundle.manifest(), spec_.scores_output, spec_.score_function)),
      pool_(guarded(std::move(executor))),
      engines_(share_engines({require_engine(std::move(engine), "main")}, *pool_)),
      output_(find_output(engines_->about(0), spec_.scores_output)) {
  pairs_spec_.score_function = paired_function(spec_.score_function);
  check_image_input(engines_->about(0), input_);
}

void Classifier::operator()(const Image& image, Classification& result) {
  Classification found = std::exchange(result, {});
  run_all({&image, 1}, &found, 1, nullptr);
  result = std::move(found);
}

std::vector<Classification> Classifier::run(const std::vector<Image>& images, int max_batch,
                                            Timing* timing) {
  check_max_batch(max_batch);
  std::vector<Classification> results(images.size());
  run_all(span_of(images), results.data(), max_batch, timing);
  return results;
}

void Classifier::run_all(Span<const Image> images, Classification* results, int max_batch,
                         Timing* timing) {
  const EngineSets::Turn turn(*engines_);
  Engine& engine = turn.engine(0);
  Timing spent;
  run_batches(engine, input_, images, max_batch, *pool_, spent, [&](const ImageBatch& batch) {
    const Tensor logits = float_output(engine, output_, {batch.rows, columns_});
    const bool paired = columns_ < classes_;
    Recycled<float> pair;
    for (std::size_t i = 0; i < batch.count; ++i) {
      const float* scores = logits.as<float>() + i * static_cast<std::size_t>(columns_);
      if (paired) scores = paired_scores(spec_.score_function, scores, 1, pair);
      Classification& result = results[batch.first + i];
      result = classify(paired ? pairs_spec_ : spec_, scores, classes_, std::move(result));
    }
  });
  timing_.set(spent);
  if (timing) *timing += spent;
}

}  // namespace edgecv
