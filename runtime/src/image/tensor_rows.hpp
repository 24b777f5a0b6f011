// The output side: rows of a tensor in any dtype and layout, padding included.
#pragma once

#include "edgecv/image/input_spec.hpp"
#include "image/channel_map.hpp"
#include "threads/recycled.hpp"

namespace edgecv {

/// Writes the rows of one tensor. Not thread-safe; each thread makes its own over the same memory.
class TensorRows {
 public:
  /// Columns [begin, end) hold the image, the others `pad_value`.
  TensorRows(const InputSpec& spec, Size tensor, int begin, int end, void* output);

  /// Where to put the image's columns of row y; end(y) must follow.
  ChannelRows begin(int y);
  void end(int y);

  /// A row that is all padding.
  void pad(int y);

 private:
  float* channel_row(int channel, int y);
  void convert(int y);

  int channels_;
  DType dtype_;
  Layout layout_;
  Size tensor_;
  int begin_;
  int end_;
  float pad_value_;
  void* output_;
  bool direct_;              // float32 planes: rows are written in place
  Recycled<float> scratch_;  // else one row, [channels, width]
};

}  // namespace edgecv
