#include <algorithm>
#include <cstddef>
#include <cstring>

#include "edgecv/masks/masks.hpp"

// COCO counts along columns, while a crop lies in rows. The runs only need the places where the
// mask changes from one pixel to the one below it; those are few, and are found row by row, eight
// pixels at a time.

namespace edgecv {
namespace {

/// Calls found(x) for each x at which two rows of `width` pixels differ.
template <typename Found>
void for_each_difference(const std::uint8_t* a, const std::uint8_t* b, int width, Found found) {
  constexpr int step = 8;
  int x = 0;
  for (; x + step <= width; x += step) {
    std::uint64_t left, right;
    std::memcpy(&left, a + x, step);
    std::memcpy(&right, b + x, step);
    if (left == right) continue;
    for (int k = x; k < x + step; ++k) {
      if (a[k] != b[k]) found(k);
    }
  }
  for (; x < width; ++x) {
    if (a[x] != b[x]) found(x);
  }
}

/// Positions in the frame, column by column, at which the mask changes, rising. A column that ends
/// and one that starts as foreground leave two equal positions, which cancel each other.
std::vector<std::uint64_t> changes(const MaskCrop& crop, Size image) {
  const auto width = static_cast<std::size_t>(crop.width);
  const std::vector<std::uint8_t> background(width, 0);
  const auto row = [&](int y) {
    return y < 0 || y >= crop.height ? background.data()
                                     : crop.pixels.data() + static_cast<std::size_t>(y) * width;
  };
  struct Change {
    int x, y;
  };
  std::vector<Change> by_row;
  std::vector<std::size_t> next(width + 1, 0);  // of each column: where its next change goes
  for (int y = 0; y <= crop.height; ++y) {
    for_each_difference(row(y - 1), row(y), crop.width, [&](int x) {
      by_row.push_back({x, y});
      ++next[static_cast<std::size_t>(x) + 1];
    });
  }
  for (std::size_t x = 0; x < width; ++x) next[x + 1] += next[x];
  std::vector<std::uint64_t> positions(by_row.size());
  for (const Change& change : by_row) {
    positions[next[static_cast<std::size_t>(change.x)]++] =
        static_cast<std::uint64_t>(crop.x + change.x) * static_cast<std::uint64_t>(image.height) +
        static_cast<std::uint64_t>(crop.y + change.y);
  }
  return positions;
}

}  // namespace

std::vector<std::uint32_t> run_lengths(const MaskCrop& crop, Size image) {
  const std::uint64_t end =
      static_cast<std::uint64_t>(image.height) * static_cast<std::uint64_t>(image.width);
  const std::vector<std::uint64_t> positions = changes(crop, image);
  std::vector<std::uint32_t> runs;
  runs.reserve(positions.size() + 1);
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (i + 1 < positions.size() && positions[i] == positions[i + 1]) {
      ++i;
      continue;
    }
    if (positions[i] == end) break;
    runs.push_back(static_cast<std::uint32_t>(positions[i] - start));
    start = positions[i];
  }
  runs.push_back(static_cast<std::uint32_t>(end - start));
  return runs;
}

std::string compress_run_lengths(const std::vector<std::uint32_t>& runs) {
  std::string text;
  text.reserve(2 * runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    // From the fourth run on, the difference to the run before the last is written.
    std::int64_t value = runs[i];
    if (i > 2) value -= runs[i - 2];
    for (bool more = true; more;) {
      std::int64_t digit = value & 0x1f;  // five bits, the lowest first
      value >>= 5;
      more = (digit & 0x10) != 0 ? value != -1 : value != 0;
      if (more) digit |= 0x20;
      text.push_back(static_cast<char>(digit + '0'));
    }
  }
  return text;
}

}  // namespace edgecv
