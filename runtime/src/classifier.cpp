#include "edgecv/classifier.hpp"

#include <utility>

#include "graph_ports.hpp"
#include "picture_batches.hpp"
#include "pipeline_of.hpp"

namespace edgecv {

Classifier::Classifier(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads)
    : input_(bundle.manifest().input),
      spec_(postprocess_for<ClassifySpec>("Classifier", bundle)),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      engine_(require_engine(std::move(engine), "main")),
      pool_(std::make_unique<ThreadPool>(threads)),
      output_(find_output(*engine_, spec_.scores_output)) {
  check_picture_input(*engine_, input_);
}

std::vector<Classification> Classifier::run(const std::vector<Image>& images, int max_batch) {
  timing_ = {};
  std::vector<Classification> results;
  results.reserve(images.size());
  run_batches(*engine_, input_, images, max_batch, *pool_, timing_, [&](const PictureBatch& batch) {
    const Tensor logits = float_output(*engine_, output_, {batch.rows, classes_});
    for (std::size_t i = 0; i < batch.count; ++i) {
      results.push_back(
          classify(spec_, logits.as<float>() + i * static_cast<std::size_t>(classes_), classes_));
    }
  });
  return results;
}

}  // namespace edgecv
