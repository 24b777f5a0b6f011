// One row of planes, a plane for each class: values join sums, and the largest class is found.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edgecv {

struct PlaneRow {
  const float* values;      // of the first class
  std::size_t value_plane;  // floats from class to class
  int classes;
  std::size_t count;               // pixels
  const float* weights = nullptr;  // of the pixels; null: all 1
  float* sums = nullptr;           // of the first class; null: neither added to nor kept
  std::size_t sum_plane = 0;
};

/// What is done with a pixel's values, for all classes alike.
struct PlaneWork {
  bool adds;      // to the sums; else they begin here
  bool keeps;     // the sums, for what follows
  bool compares;  // them: `index` becomes the largest class, of equal ones the lowest
};

/// Returns false if a value that was compared is NaN or infinite.
bool blend_planes(const PlaneRow& row, PlaneWork work, std::int32_t* index);

}  // namespace edgecv
