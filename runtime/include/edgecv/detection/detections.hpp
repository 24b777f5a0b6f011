// What a detector found on one image.
//
//   const edgecv::Detections found{{10, 10, 50, 80}, {0.9f}, {2}};
//   for (const edgecv::Detection& object : found) {
//     std::printf("label %d at %g, %g\n", static_cast<int>(object.label), object.box[0],
//                 object.box[1]);
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace edgecv {

/// One of them, valid as long as they are.
struct Detection {
  const float* box;  // x1, y1, x2, y2 in pixels of the image
  float score;
  std::int64_t label;
};

/// Sorted by falling score.
struct Detections {
  std::vector<float> boxes;          // [N, 4] xyxy in pixels of the image
  std::vector<float> scores;         // [N], 0..1
  std::vector<std::int64_t> labels;  // [N], indices of the bundle's labels; background is none

  std::size_t size() const { return scores.size(); }
  /// The memory stays.
  void clear() {
    boxes.clear();
    scores.clear();
    labels.clear();
  }
  Detection operator[](std::size_t i) const { return {&boxes[4 * i], scores[i], labels[i]}; }

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Detection;
    using difference_type = std::ptrdiff_t;
    using pointer = const Detection*;
    using reference = Detection;

    Iterator(const Detections& all, std::size_t at) : all_(&all), at_(at) {}
    Detection operator*() const { return (*all_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return {*all_, at_++}; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }
    friend bool operator!=(const Iterator& a, const Iterator& b) { return a.at_ != b.at_; }

   private:
    const Detections* all_;
    std::size_t at_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }
};

}  // namespace edgecv
