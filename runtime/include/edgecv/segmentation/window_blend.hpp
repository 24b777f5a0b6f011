// Logits of overlapping windows become the class of each pixel, strip by strip.
//
//   edgecv::StripMemory memory;
//   edgecv::WindowBlend blend({512, 700}, {{512, 512}, 0.25, edgecv::WindowWeight::linear}, 2,
//   false,
//                             "logits", memory, edgecv::ThreadPool::global());
//   const std::vector<float> logits(2 * 512 * 512);
//   for (std::size_t i = 0; i < blend.grid().count(); ++i) blend.add(logits.data(), {512, 512});
//   const edgecv::Segmentation map = blend.finish(edgecv::ScoreFunction::softmax);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/image/sliding_windows.hpp"
#include "edgecv/segmentation/segment.hpp"
#include "edgecv/segmentation/window_weight.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// Memory that images use one after another, so that it need not be had anew for each.
class EDGECV_API StripMemory {
 public:
  /// Room for that many floats; what they hold means nothing.
  float* at_least(std::size_t floats);

 private:
  std::unique_ptr<float[]> floats_;
  std::size_t count_ = 0;
};

/// Takes the logits of one window after another and averages them, weighted, where windows overlap.
/// Only the rows that still receive windows are held: [classes, window height, image width].
/// Sums are formed in the order of the windows, so the result depends on nothing else.
class EDGECV_API WindowBlend {
 public:
  /// `windows.size` is the size of the tensor that the logits of a window cover; an image smaller
  /// than it lies in the tensor's upper left corner. With `probabilities` all of [classes, H, W] is
  /// held and comes out. `output` is the name in an error's message. One blend at a time uses
  /// `memory`; `map` is an old one whose memory is used again.
  WindowBlend(Size image, const CropWindows& windows, int classes, bool probabilities,
              std::string output, StripMemory& memory, Executor& pool, Segmentation map = {});
  ~WindowBlend();

  const WindowGrid& grid() const { return grid_; }

  /// The windows must come in the grid's order, row by row, each once. `logits` [classes,
  /// cells.height, cells.width], at any stride: they are brought to the window's size bilinearly
  /// (torch's align_corners=False) first. Throws Error (engine) if a logit is NaN or infinite.
  void add(const float* logits, Size cells);

  /// After the last window: the classes, of equal ones the lowest, and the probabilities where they
  /// were asked for. The class map does not depend on whether they were.
  Segmentation finish(ScoreFunction function);

 private:
  struct Axis;
  struct Segment;
  struct Piece;

  void add_rows(const Piece& piece, int begin, int end, bool* finite);
  void total_weights(int image_y, float* totals) const;

  Size image_;
  CropWindows windows_;
  int classes_;
  bool probabilities_;
  std::string output_;
  Executor& pool_;
  WindowGrid grid_;
  std::vector<float> row_weights_;  // of a window, g(y); empty: uniform
  std::vector<float> column_weights_;
  float least_weight_;          // of a pixel
  std::size_t next_ = 0;        // window
  std::size_t strip_rows_ = 0;  // that sums_ has for each class
  float* sums_ = nullptr;       // [classes, strip_rows_, image width], or all of the probabilities
  Segmentation map_;
};

}  // namespace edgecv
