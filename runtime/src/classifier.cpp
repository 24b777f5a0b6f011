#include "edgecv/classifier.hpp"

#include <utility>

#include "edgecv/error.hpp"
#include "graph_ports.hpp"
#include "picture_batches.hpp"

namespace edgecv {
namespace {

const ClassifySpec& classify_spec(const Bundle& bundle) {
  if (const auto* spec = std::get_if<ClassifySpec>(&bundle.manifest().postprocess)) return *spec;
  throw Error(ErrorCode::bad_bundle, bundle.folder() + " is no classifier: its task is " +
                                         to_string(bundle.manifest().task));
}

}  // namespace

Classifier::Classifier(const Bundle& bundle, std::shared_ptr<Engine> engine, int threads)
    : input_(bundle.manifest().input),
      spec_(classify_spec(bundle)),
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
