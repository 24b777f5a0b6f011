#include <doctest/doctest.h>

#include <string>

#include "edgecv/edgecv.hpp"
#include "refusal.hpp"

using namespace edgecv;
using testing::refusal;

namespace {

const std::string golden = EDGECV_GOLDEN "/";

}  // namespace

TEST_CASE("a pipeline refuses another's bundle and names the right one") {
  const Bundle ssd = Bundle::open(golden + "bundle_v1");
  const Bundle rcnn = Bundle::open(golden + "bundle_v1_rcnn");
  const Bundle classify = Bundle::open(golden + "bundle_v2_classify");
  const Bundle segment = Bundle::open(golden + "bundle_v2_segment");
  const Bundle style = Bundle::open(golden + "bundle_v2_style");
  const auto refused = [](auto call) { return refusal(ErrorCode::bad_bundle, call); };
  CHECK(refused([&] { Detector(rcnn, nullptr); }) ==
        rcnn.folder() + " is not a bundle for a Detector: open it with TwoStageDetector");
  CHECK(refused([&] { TwoStageDetector(ssd, {}); }) ==
        ssd.folder() + " is not a bundle for a TwoStageDetector: open it with Detector");
  CHECK(refused([&] { Classifier(segment, nullptr); }) ==
        segment.folder() + " is not a bundle for a Classifier: open it with SemanticSegmenter");
  CHECK(refused([&] { SemanticSegmenter(style, nullptr); }) ==
        style.folder() + " is not a bundle for a SemanticSegmenter: open it with Stylizer");
  CHECK(refused([&] { Stylizer(classify, {}); }) ==
        classify.folder() + " is not a bundle for a Stylizer: open it with Classifier");
}

TEST_CASE("a pipeline without an engine is refused") {
  const auto refused = [](auto call) { return refusal(ErrorCode::engine, call); };
  const std::string expected = "the graph \"main\" has no engine";
  CHECK(refused([] { Detector(Bundle::open(golden + "bundle_v1"), nullptr); }) == expected);
  CHECK(refused([] { Classifier(Bundle::open(golden + "bundle_v2_classify"), nullptr); }) ==
        expected);
  CHECK(refused([] { SemanticSegmenter(Bundle::open(golden + "bundle_v2_segment"), nullptr); }) ==
        expected);
  CHECK(refused([] { Stylizer(Bundle::open(golden + "bundle_v2_style"), {}); }) == expected);
}
