#include <array>
#include <cstddef>

#include "edgecv/masks/masks.hpp"

namespace edgecv {
namespace {

enum Direction { up, right, down, left };
constexpr std::array<int, 4> step_x{0, 1, 0, -1};
constexpr std::array<int, 4> step_y{-1, 0, 1, 0};

/// Walks along pixel edges with the foreground on the right-hand side.
class Tracer {
 public:
  explicit Tracer(const MaskCrop& crop) : crop_(crop), walked_(crop.pixels.size(), 0) {}

  bool is_set(int x, int y) const {
    return x >= 0 && y >= 0 && x < crop_.width && y < crop_.height &&
           crop_.pixels[index(x, y)] != 0;
  }

  /// Every contour has an edge that is walked upwards: the left side of a pixel whose left
  /// neighbour is background.
  bool starts_at(int x, int y) const {
    return is_set(x, y) && !is_set(x - 1, y) && walked_[index(x, y)] == 0;
  }

  /// From the left side of a pixel that starts_at finds, row by row, first of its contour: the
  /// upper end of that side is a corner.
  std::vector<float> trace(const int start_x, const int start_y) {
    std::vector<float> polygon;
    int x = start_x, y = start_y;
    Direction direction = up;
    do {
      if (direction == up) walked_[index(x, y)] = 1;
      const Direction turned = turn(x, y, direction);
      if (turned != direction) {
        polygon.push_back(static_cast<float>(crop_.x + x));
        polygon.push_back(static_cast<float>(crop_.y + y));
      }
      direction = turned;
      x += step_x[direction];
      y += step_y[direction];
    } while (x != start_x || y != start_y || direction != up);
    return polygon;
  }

 private:
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(crop_.width) +
           static_cast<std::size_t>(x);
  }

  /// The direction in which the boundary leaves the corner (x, y) of a pixel.
  Direction turn(int x, int y, Direction arriving) const {
    // Of the four pixels around the corner, the two ahead.
    static constexpr std::array<std::array<int, 2>, 4> ahead_right{
        {{0, -1}, {0, 0}, {-1, 0}, {-1, -1}}};
    static constexpr std::array<std::array<int, 2>, 4> ahead_left{
        {{-1, -1}, {0, -1}, {0, 0}, {-1, 0}}};
    const auto& beside = ahead_right[arriving];
    if (!is_set(x + beside[0], y + beside[1])) return static_cast<Direction>((arriving + 1) % 4);
    const auto& across = ahead_left[arriving];
    if (!is_set(x + across[0], y + across[1])) return arriving;
    return static_cast<Direction>((arriving + 3) % 4);
  }

  const MaskCrop& crop_;
  std::vector<std::uint8_t> walked_;  // of each pixel: its left side
};

}  // namespace

std::vector<std::vector<float>> polygons(const MaskCrop& crop) {
  std::vector<std::vector<float>> found;
  Tracer tracer(crop);
  for (int y = 0; y < crop.height; ++y) {
    for (int x = 0; x < crop.width; ++x) {
      if (tracer.starts_at(x, y)) found.push_back(tracer.trace(x, y));
    }
  }
  return found;
}

}  // namespace edgecv
