#include "detection/one_stage.hpp"

#include <utility>

#include "bundle/pipeline_of.hpp"
#include "edgecv/detection/dense.hpp"
#include "edgecv/detection/ssd.hpp"

namespace edgecv {
namespace {

class Ssd : public OneStage {
 public:
  explicit Ssd(SsdPostprocess postprocess) : postprocess_(std::move(postprocess)) {}

  std::vector<Output> outputs() const override {
    const SsdSpec& spec = postprocess_.spec();
    const int background = spec.background == Background::none ? 0 : 1;
    return {{spec.scores_output, postprocess_.classes() + background}, {spec.boxes_output, 4}};
  }

  std::int64_t anchor_count(Size) const override { return postprocess_.anchor_count(); }

  Detections detections(const Rows& rows, std::size_t anchors, const Geometry& geometry,
                        const std::vector<float>& thresholds, Executor& pool,
                        Detections kept) const override {
    return postprocess_(rows[0], rows[1], anchors, geometry, thresholds, pool, std::move(kept));
  }

 private:
  SsdPostprocess postprocess_;
};

class Dense : public OneStage {
 public:
  explicit Dense(DensePostprocess postprocess) : postprocess_(std::move(postprocess)) {}

  std::vector<Output> outputs() const override {
    const DenseSpec& spec = postprocess_.spec();
    std::vector<Output> all{{spec.logits_output, postprocess_.classes()}, {spec.boxes_output, 4}};
    if (spec.distances) all.push_back({spec.centerness_output, 1});
    return all;
  }

  std::int64_t anchor_count(Size tensor) const override {
    return edgecv::anchor_count(postprocess_.spec(), tensor);
  }

  Detections detections(const Rows& rows, std::size_t, const Geometry& geometry,
                        const std::vector<float>& thresholds, Executor& pool,
                        Detections kept) const override {
    return postprocess_(rows[0], rows[1], rows[2], geometry, thresholds, pool, std::move(kept));
  }

 private:
  DensePostprocess postprocess_;
};

}  // namespace

std::unique_ptr<OneStage> make_one_stage(const Bundle& bundle) {
  const Manifest& manifest = bundle.manifest();
  const int classes = static_cast<int>(manifest.labels.size());
  if (const auto* spec = std::get_if<SsdSpec>(&manifest.postprocess)) {
    return std::make_unique<Ssd>(SsdPostprocess(*spec, bundle.anchors(), classes));
  }
  if (const auto* spec = std::get_if<DenseSpec>(&manifest.postprocess)) {
    return std::make_unique<Dense>(DensePostprocess(*spec, classes));
  }
  refuse_bundle(bundle, "Detector");
}

}  // namespace edgecv
