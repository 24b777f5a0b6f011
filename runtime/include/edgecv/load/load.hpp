// From a bundle to a model that runs, in one line.
//
//   auto detector = edgecv::load<edgecv::Detector>("people");
//   for (const edgecv::Detection& object : detector(edgecv::Image{})) {
//     std::printf("%s %.2f\n", detector.label(object.label), object.score);
//   }
//
//   edgecv::AnyModel model = edgecv::load("people.zip");  // whichever its task needs
//   if (const auto* it = std::get_if<edgecv::Classifier>(&model)) std::puts(it->label(0));
#pragma once

#include <variant>

#include "edgecv/bundle/source.hpp"
#include "edgecv/classification/classifier.hpp"
#include "edgecv/detection/detector.hpp"
#include "edgecv/detection/two_stage_detector.hpp"
#include "edgecv/export.hpp"
#include "edgecv/load/options.hpp"
#include "edgecv/segmentation/semantic_segmenter.hpp"
#include "edgecv/style/stylizer.hpp"

namespace edgecv {

/// A model of any task.
using AnyModel = std::variant<Classifier, Detector, TwoStageDetector, SemanticSegmenter, Stylizer>;

/// Loads a bundle with the first of the registered engines (engine/registry.hpp) that can run it,
/// or with what the options say; choose() has the rules. A bundle that is replaced meanwhile is
/// loaded again.
///
/// Throws Error: bad_bundle if there is none, it is altered, or made for a newer edgecv; engine if
/// no engine is there or it cannot run the graphs; invalid_input for options that cannot be.
EDGECV_API AnyModel load(const BundleSource& source, const Options& options = {});

/// The same for one class: Classifier, Detector, TwoStageDetector, SemanticSegmenter or Stylizer.
/// For the bundle of another class it throws Error (bad_bundle) that names that class.
template <class Model>
Model load(const BundleSource&, const Options& = {}) {
  static_assert(sizeof(Model) == 0,
                "edgecv::load<Model>: expected Classifier, Detector, TwoStageDetector, "
                "SemanticSegmenter or Stylizer");
}

template <>
EDGECV_API Classifier load<Classifier>(const BundleSource& source, const Options& options);
template <>
EDGECV_API Detector load<Detector>(const BundleSource& source, const Options& options);
template <>
EDGECV_API TwoStageDetector load<TwoStageDetector>(const BundleSource& source,
                                                   const Options& options);
template <>
EDGECV_API SemanticSegmenter load<SemanticSegmenter>(const BundleSource& source,
                                                     const Options& options);
template <>
EDGECV_API Stylizer load<Stylizer>(const BundleSource& source, const Options& options);

}  // namespace edgecv
