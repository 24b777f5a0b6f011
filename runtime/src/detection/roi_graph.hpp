// A graph of the second stage, `roi` or `mask`: it pools boxes from the backbone's feature maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/detection/box_head.hpp"
#include "edgecv/engine/engine.hpp"
#include "threads/recycled.hpp"

namespace edgecv {

/// What does not change from run to run; each call has a RoiRun of its own.
class RoiGraph {
 public:
  /// `features` names the inputs that take the feature maps. Boxes go into one input for each level
  /// (`boxes_0`, `boxes_1`, ..., dialect `onnx`) or into `boxes` with their `levels` (dialect
  /// `tensorrt`); labels, if the graph takes them, into `labels`. Throws Error (engine) if the
  /// engine's inputs are others.
  RoiGraph(const Engine& engine, const std::string& role, const std::vector<std::string>& features,
           const LevelSpec& levels, bool takes_labels);

 private:
  friend class RoiRun;

  LevelSpec levels_;
  std::vector<std::size_t> feature_inputs_;
  std::vector<std::size_t> level_inputs_;  // empty: boxes and levels stand in the next two
  std::size_t boxes_input_ = 0, levels_input_ = 0;
  std::size_t labels_input_ = 0;
};

class RoiRun {
 public:
  /// Hands over the feature maps, without a copy, and `boxes` [R, 4], xyxy in pixels of the
  /// network's input, R > 0. `labels` [R] count the background as 0.
  RoiRun(const RoiGraph& graph, Engine& engine, const Recycled<Tensor>& features,
         const std::vector<float>& boxes, const std::int64_t* labels = nullptr);

  void run() { engine_.run(); }

  /// An output of the run as float32 [R, ...] in the order of the boxes, valid until the engine's
  /// next one. Throws Error (engine) if it has another shape.
  Tensor rows(std::size_t output, std::initializer_list<std::int64_t> expected) const;

 private:
  Engine& engine_;
  Recycled<std::size_t> order_;  // row of the outputs -> box; empty where they are the same
};

}  // namespace edgecv
