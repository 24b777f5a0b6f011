// The methods of postprocessing that detectors of one stage share a pipeline over.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/threads/executor.hpp"

namespace edgecv {

/// What the outputs of the main graph are, and what is made of them.
class OneStage {
 public:
  /// [B, A, columns], float32.
  struct Output {
    std::string name;
    std::int64_t columns;
  };

  virtual ~OneStage() = default;
  virtual std::vector<Output> outputs() const = 0;
  /// A for a tensor of that size; -1 where only the outputs know.
  virtual std::int64_t anchor_count(Size tensor) const = 0;
  /// Of each of outputs() the [A, columns] of one image; null beyond them.
  using Rows = std::array<const float*, 3>;
  /// `kept`: an old result, whose memory is used again.
  virtual Detections detections(const Rows& rows, std::size_t anchors, const Geometry& geometry,
                                const std::vector<float>& thresholds, Executor& pool,
                                Detections kept) const = 0;
};

/// Throws Error (bad_bundle) if the bundle's method has several stages.
std::unique_ptr<OneStage> make_one_stage(const Bundle& bundle);

}  // namespace edgecv
