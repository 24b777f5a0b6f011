#include "bundle/pipeline_of.hpp"

namespace edgecv {
namespace {

struct Name {
  const char* operator()(const SsdSpec&) const { return "Detector"; }
  const char* operator()(const DenseSpec&) const { return "Detector"; }
  const char* operator()(const RcnnSpec&) const { return "TwoStageDetector"; }
  const char* operator()(const ClassifySpec&) const { return "Classifier"; }
  const char* operator()(const SegmentSpec&) const { return "SemanticSegmenter"; }
  const char* operator()(const StylizeSpec&) const { return "Stylizer"; }
};

}  // namespace

const char* pipeline_of(const Manifest& manifest) {
  return std::visit(Name{}, manifest.postprocess);
}

void refuse_bundle(const Bundle& bundle, const char* pipeline) {
  throw Error(ErrorCode::bad_bundle, bundle.folder() + " is not a bundle for a " + pipeline +
                                         ": open it with " + pipeline_of(bundle.manifest()));
}

}  // namespace edgecv
