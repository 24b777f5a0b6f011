#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "boxes/nms_kept_boxes.hpp"
#include "edgecv/boxes/boxes.hpp"

using namespace edgecv;

namespace {

/// The definition: the IoU in float32, above the threshold.
bool overlap_of(const std::vector<float>& kept, const float* box, float threshold) {
  for (std::size_t i = 0; i < kept.size(); i += 4) {
    float iou;
    box_iou(&kept[i], 1, box, 1, &iou);
    if (iou > threshold) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("pairs whose IoU is the threshold to the last bit, from tiny to huge boxes") {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> unit;
  for (const float scale : {1e-22f, 1e-19f, 1e-3f, 1.f, 1000.f, 1e15f, 1e19f}) {
    for (int i = 0; i < 300; ++i) {
      const std::vector<float> kept{0, 0, scale, scale};
      const float shift = unit(random) * scale;
      const float box[4] = {shift, unit(random) * shift, shift + scale * (0.5f + unit(random)),
                            scale * (0.5f + unit(random))};
      float iou;
      box_iou(kept.data(), 1, box, 1, &iou);
      KeptBoxes boxes;
      boxes.add(kept.data());
      for (const float threshold : {iou, std::nextafter(iou, 0.f), std::nextafter(iou, 1.f)}) {
        CAPTURE(scale);
        CAPTURE(iou);
        CHECK(boxes.overlap(box, threshold) == overlap_of(kept, box, threshold));
      }
    }
  }
}

TEST_CASE("boxes without area, inside out, infinite or NaN; thresholds from -1 to 1") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::vector<float>> boxes{{0, 0, 4, 4},
                                              {1, 1, 1, 3},
                                              {2, 2, 2, 2},
                                              {3, 0, 1, 4},
                                              {3, 3, 1, 1},
                                              {0, 0, infinity, 4},
                                              {-infinity, -infinity, infinity, infinity},
                                              {nan, 0, 4, 4},
                                              {100, 100, 104, 104},
                                              {0, 0, 4, 4}};
  for (const std::vector<float>& first : boxes) {
    KeptBoxes kept;
    kept.add(first.data());
    for (const std::vector<float>& second : boxes) {
      for (const float threshold : {-1.f, -0.f, 0.f, 1e-40f, 0.5f, 1.f}) {
        float iou;
        box_iou(first.data(), 1, second.data(), 1, &iou);
        CAPTURE(threshold);
        CAPTURE(iou);
        // With a negative threshold the empty places of a block count as overlapping.
        if (threshold < 0 && !(iou > threshold)) continue;
        CHECK(kept.overlap(second.data(), threshold) == (iou > threshold));
      }
    }
  }
}

TEST_CASE("cleared boxes are gone") {
  const float box[4] = {0, 0, 1, 1};
  KeptBoxes kept;
  CHECK(kept.empty());
  CHECK_FALSE(kept.overlap(box, 0.5f));
  for (int i = 0; i < 40; ++i) kept.add(box);
  CHECK(kept.overlap(box, 0.5f));
  kept.clear();
  CHECK(kept.empty());
  CHECK_FALSE(kept.overlap(box, 0.5f));
}
