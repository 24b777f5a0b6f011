#include "edgecv/detection/two_stage_detector.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "bundle/pipeline_of.hpp"
#include "detection/roi_graph.hpp"
#include "edgecv/error.hpp"
#include "engine/engine_sets.hpp"
#include "engine/graph_ports.hpp"
#include "engine/span.hpp"
#include "engine/stopwatch.hpp"
#include "scores/finite.hpp"
#include "threads/guarded_executor.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

std::vector<std::size_t> find_outputs(const Engine& engine, const std::vector<std::string>& names) {
  std::vector<std::size_t> indices;
  for (const std::string& name : names) indices.push_back(find_output(engine, name));
  return indices;
}

/// What the roi and mask graphs take is what the backbone gives.
void check_features(const Engine& backbone, const Engine& graph,
                    const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const TensorSpec& given = backbone.outputs()[find_output(backbone, name)];
    const TensorSpec& taken = graph.inputs()[find_input(graph, name)];
    if (given.dtype != taken.dtype) {
      throw Error(ErrorCode::engine, "the backbone gives \"" + name + "\" as " +
                                         to_string(given.dtype) + ", the next graph takes " +
                                         to_string(taken.dtype) +
                                         ": take the graphs in one precision");
    }
  }
}

/// The caller's boxes, from pixels of the image to pixels of the network's input.
std::vector<float> to_network(const std::vector<float>& boxes, const Geometry& geometry) {
  const auto width = static_cast<float>(geometry.image.width);
  const auto height = static_cast<float>(geometry.image.height);
  const float scale_x = static_cast<float>(geometry.resized.width) / width;
  const float scale_y = static_cast<float>(geometry.resized.height) / height;
  if (boxes.size() % 4 != 0) {
    throw Error(ErrorCode::invalid_input, "proposals: expected 4 numbers for each box, got " +
                                              std::to_string(boxes.size()) + " numbers");
  }
  std::vector<float> result;
  result.reserve(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); i += 4) {
    if (!std::all_of(&boxes[i], &boxes[i] + 4, [](float x) { return std::isfinite(x); })) {
      throw Error(ErrorCode::invalid_input,
                  "proposals: box " + std::to_string(i / 4) + " holds NaN or infinity");
    }
    const float x1 = std::clamp(boxes[i], 0.f, width), x2 = std::clamp(boxes[i + 2], 0.f, width);
    const float y1 = std::clamp(boxes[i + 1], 0.f, height);
    const float y2 = std::clamp(boxes[i + 3], 0.f, height);
    if (x2 <= x1 || y2 <= y1) continue;
    result.insert(result.end(), {x1 * scale_x, y1 * scale_y, x2 * scale_x, y2 * scale_y});
  }
  return result;
}

/// The roles of a set of engines.
enum Role : std::size_t { backbone, roi, mask };

}  // namespace

/// What calls use one after another.
struct TwoStageDetector::Memory {
  std::vector<RpnLevel> levels;
  Proposals proposals;
};

/// One call of run(), with what it alone uses.
class TwoStageDetector::Call {
 public:
  explicit Call(const TwoStageDetector& model)
      : model_(model), thresholds_(model.thresholds_.get()), turn_(*model.engines_) {}

  void run_one(const Image& image, const std::vector<float>* proposals, Instances& result);
  const TwoStageTiming& timing() const { return timing_; }

 private:
  void run_backbone(const Image& image, const Geometry& geometry);
  Recycled<Tensor> features() const;
  void propose_regions(const Geometry& geometry);
  void run_second_stage(const Geometry& geometry, Detections& detections);
  void cut_out(Instances& result, const Geometry& geometry);

  const TwoStageDetector& model_;
  std::shared_ptr<const std::vector<float>> thresholds_;
  EngineSets::Turn turn_;
  Memory& memory_ = (*model_.memory_)[turn_.index()];
  Engine& backbone_ = turn_.engine(backbone);
  TwoStageTiming timing_;
};

TwoStageDetector::TwoStageDetector(const Bundle& bundle, TwoStageEngines engines,
                                   std::shared_ptr<Executor> executor)
    : ModelInfo(bundle),
      input_(bundle.manifest().input),
      spec_(postprocess_for<RcnnSpec>("TwoStageDetector", bundle)),
      classes_(static_cast<int>(bundle.manifest().labels.size())),
      operating_(operating_thresholds(bundle.manifest())),
      pool_(guarded(std::move(executor))),
      thresholds_(std::make_shared<const std::vector<float>>(operating_)) {
  if (!engines.backbone) engines.backbone = std::move(engines.trunk);
  require_engine(engines.backbone, "trunk");
  require_engine(engines.roi, "roi");
  if (spec_.mask) {
    require_engine(engines.mask, "mask");
  } else {
    engines.mask = nullptr;
  }
  engines_ = share_engines(
      {std::move(engines.backbone), std::move(engines.roi), std::move(engines.mask)}, *pool_);
  memory_ = std::make_shared<std::vector<Memory>>(engines_->most());
  const Engine& first = engines_->about(backbone);
  const Engine& second = engines_->about(roi);
  roi_ = std::make_shared<RoiGraph>(second, "roi", spec_.features, spec_.levels, false);
  features_ = find_outputs(first, spec_.features);
  check_image_input(first, input_);
  check_features(first, second, spec_.features);
  if (spec_.rpn) {
    objectness_ = find_outputs(first, spec_.rpn->objectness_outputs);
    deltas_ = find_outputs(first, spec_.rpn->deltas_outputs);
  }
  logits_ = find_output(second, spec_.box_head.logits_output);
  box_deltas_ = find_output(second, spec_.box_head.deltas_output);
  if (spec_.mask) {
    const Engine& third = engines_->about(mask);
    mask_ = std::make_shared<RoiGraph>(third, "mask", spec_.features, spec_.levels, true);
    check_features(first, third, spec_.features);
    masks_ = find_output(third, spec_.mask->output);
  }
}

void TwoStageDetector::set_thresholds(std::vector<float> thresholds) {
  check_thresholds(thresholds, classes_);
  if (thresholds.empty()) thresholds = operating_;
  thresholds_.set(std::make_shared<const std::vector<float>>(std::move(thresholds)));
}

void TwoStageDetector::set_thresholds(
    std::initializer_list<std::pair<const std::string, float>> by_name) {
  if (by_name.size() == 0) return set_thresholds(std::vector<float>());  // as set_thresholds({})
  change_thresholds(by_name);
}

void TwoStageDetector::change_thresholds(const std::map<std::string, float>& by_name) {
  thresholds_.change([&](std::shared_ptr<const std::vector<float>>& all) {
    std::vector<float> changed = *all;
    edgecv::change_thresholds(changed, labels(), by_name);
    all = std::make_shared<const std::vector<float>>(std::move(changed));
  });
}

std::vector<Instances> TwoStageDetector::run(const std::vector<Image>& images) {
  TwoStageTiming timing;
  return run(images, timing);
}

void TwoStageDetector::operator()(const Image& image, Instances& result) {
  require_rpn();
  Instances found = std::exchange(result, {});
  run_all({&image, 1}, nullptr, &found, nullptr);
  result = std::move(found);
}

void TwoStageDetector::require_rpn() const {
  if (spec_.rpn) return;
  throw Error(ErrorCode::invalid_input,
              "proposals: expected boxes [N, 4], xyxy in pixels of the image, since this "
              "bundle has no proposal network; got none");
}

std::vector<Instances> TwoStageDetector::run(const std::vector<Image>& images,
                                             TwoStageTiming& timing) {
  require_rpn();
  std::vector<Instances> results(images.size());
  run_all(span_of(images), nullptr, results.data(), &timing);
  return results;
}

std::vector<Instances> TwoStageDetector::run(const std::vector<Image>& images,
                                             const std::vector<std::vector<float>>& proposals,
                                             TwoStageTiming* timing) {
  if (images.size() != proposals.size()) {
    throw Error(ErrorCode::invalid_input, "proposals: expected boxes for each of " +
                                              std::to_string(images.size()) + " images, got " +
                                              std::to_string(proposals.size()) + " lists");
  }
  std::vector<Instances> results(images.size());
  run_all(span_of(images), &proposals, results.data(), timing);
  return results;
}

void TwoStageDetector::run_all(Span<const Image> images,
                               const std::vector<std::vector<float>>* proposals, Instances* results,
                               TwoStageTiming* timing) {
  Call call(*this);
  for (std::size_t i = 0; i < images.count; ++i) {
    call.run_one(images.first[i], proposals ? &(*proposals)[i] : nullptr, results[i]);
  }
  timing_.set(call.timing());
  if (timing) *timing += call.timing();
}

void TwoStageDetector::Call::run_one(const Image& image, const std::vector<float>* given,
                                     Instances& result) {
  check(image);
  const Geometry geometry = plan(model_.input_, image.size());
  std::vector<float>& proposals = memory_.proposals.boxes;
  result.detections.clear();
  if (given) {
    Stopwatch watch(timing_.proposals_ms);
    proposals = to_network(*given, geometry);
    if (proposals.empty()) return result.masks.clear();
  }
  run_backbone(image, geometry);
  if (!given) propose_regions(geometry);
  run_second_stage(geometry, result.detections);
  cut_out(result, geometry);
}

void TwoStageDetector::Call::run_backbone(const Image& image, const Geometry& geometry) {
  {
    Stopwatch watch(timing_.preprocess_ms);
    const Tensor input = image_input(backbone_, 0, model_.input_, 1, geometry.tensor);
    preprocess(image, model_.input_, geometry, input.data, *model_.pool_);
  }
  Stopwatch watch(timing_.backbone_ms);
  backbone_.run();
}

Recycled<Tensor> TwoStageDetector::Call::features() const {
  Recycled<Tensor> tensors;
  tensors.reserve(model_.features_.size());
  for (const std::size_t index : model_.features_)
    tensors.push_back(backbone_.output_in_place(index));
  return tensors;
}

void TwoStageDetector::Call::propose_regions(const Geometry& geometry) {
  Stopwatch watch(timing_.proposals_ms);
  std::vector<RpnLevel>& levels = memory_.levels;
  levels.clear();
  Recycled<Tensor> held;  // what the levels point into
  for (std::size_t level = 0; level < model_.objectness_.size(); ++level) {
    const std::int64_t anchors = model_.spec_.rpn->anchors.per_cell(level);
    const Tensor objectness =
        float_output(backbone_, model_.objectness_[level], {1, anchors, -1, -1});
    const std::int64_t height = objectness.shape[2], width = objectness.shape[3];
    const Tensor deltas =
        float_output(backbone_, model_.deltas_[level], {1, 4 * anchors, height, width});
    if (height < 1 || width < 1 || height > geometry.tensor.height ||
        width > geometry.tensor.width) {
      throw Error(ErrorCode::engine,
                  "output \"" + model_.spec_.rpn->objectness_outputs[level] + "\" came as " +
                      to_string(objectness.shape) + " for an image of " +
                      to_string(Shape{geometry.tensor.height, geometry.tensor.width}));
    }
    held.insert(held.end(), {objectness, deltas});
    levels.push_back({objectness.as<float>(), deltas.as<float>(),
                      Size{static_cast<int>(height), static_cast<int>(width)}});
  }
  memory_.proposals = propose(*model_.spec_.rpn, levels, geometry.resized, geometry.tensor,
                              *model_.pool_, std::move(memory_.proposals));
}

/// The box head: class and place of each proposal. Boxes stay in pixels of the network's input.
void TwoStageDetector::Call::run_second_stage(const Geometry& geometry, Detections& detections) {
  const std::vector<float>& proposals = memory_.proposals.boxes;
  if (proposals.empty()) return;
  std::optional<RoiRun> run;
  {
    Stopwatch watch(timing_.proposals_ms);
    run.emplace(*model_.roi_, turn_.engine(roi), features(), proposals);
  }
  {
    Stopwatch watch(timing_.roi_ms);
    run->run();
  }
  Stopwatch watch(timing_.postprocess_ms);
  const auto count = static_cast<std::int64_t>(proposals.size() / 4);
  const std::int64_t columns = model_.classes_ + 1;  // the background comes first
  const Tensor logits = run->rows(model_.logits_, {count, columns});
  const Tensor deltas = run->rows(model_.box_deltas_, {count, 4 * columns});
  detections = box_head_detections(model_.spec_.box_head, logits.as<float>(), deltas.as<float>(),
                                   proposals.data(), proposals.size() / 4, model_.classes_,
                                   geometry, *thresholds_, *model_.pool_, std::move(detections));
}

/// The mask head: the shape of each detection. Brings the boxes to pixels of the image.
void TwoStageDetector::Call::cut_out(Instances& result, const Geometry& geometry) {
  Detections& detections = result.detections;
  if (detections.scores.empty()) return result.masks.clear();
  if (!model_.mask_) return boxes_to_image(geometry, detections.boxes);
  std::optional<RoiRun> run;
  {
    Stopwatch watch(timing_.postprocess_ms);
    Recycled<std::int64_t> labels(detections.labels.begin(), detections.labels.end());
    for (std::int64_t& label : labels) ++label;  // the graph counts the background
    run.emplace(*model_.mask_, turn_.engine(mask), features(), detections.boxes, labels.data());
  }
  {
    Stopwatch watch(timing_.mask_ms);
    run->run();
  }
  Stopwatch watch(timing_.postprocess_ms);
  const std::size_t count = detections.scores.size();
  const Tensor masks = run->rows(model_.masks_, {static_cast<std::int64_t>(count), 1, -1, -1});
  if (masks.shape[2] != masks.shape[3] || masks.shape[2] < 1) {
    throw Error(ErrorCode::engine, "output \"" + model_.spec_.mask->output + "\" came as " +
                                       to_string(masks.shape) + ", expected square masks");
  }
  require_finite(masks.as<float>(), static_cast<std::size_t>(element_count(masks.shape)),
                 model_.spec_.mask->output);
  boxes_to_image(geometry, detections.boxes);
  result.masks = paste_masks(masks.as<float>(), count, static_cast<int>(masks.shape[2]),
                             detections.boxes.data(), geometry.image, model_.spec_.mask->threshold,
                             *model_.pool_, std::move(result.masks));
}

}  // namespace edgecv
