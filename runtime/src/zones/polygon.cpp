#include "zones/polygon.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace edgecv {
namespace {

double distance_to_side(Point a, Point b, Point p) {
  const double x = b.x - a.x, y = b.y - a.y, length = x * x + y * y;
  const double part =
      length > 0 ? std::clamp(((p.x - a.x) * x + (p.y - a.y) * y) / length, 0.0, 1.0) : 0;
  return std::hypot(p.x - a.x - part * x, p.y - a.y - part * y);
}

bool within(Point a, Point b, Point p) {
  return std::min(a.x, b.x) <= p.x && p.x <= std::max(a.x, b.x) && std::min(a.y, b.y) <= p.y &&
         p.y <= std::max(a.y, b.y);
}

int sign(double value) { return value > 0 ? 1 : value < 0 ? -1 : 0; }

bool touch(Point a, Point b, Point c, Point d) {
  const int abc = sign(turn(a, b, c)), abd = sign(turn(a, b, d));
  const int cda = sign(turn(c, d, a)), cdb = sign(turn(c, d, b));
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (abc == 0 && within(a, b, c)) || (abd == 0 && within(a, b, d)) ||
         (cda == 0 && within(c, d, a)) || (cdb == 0 && within(c, d, b));
}

/// The part where `inside` is 0 or more; `inside` is linear.
template <typename Inside>
std::vector<Point> half(const std::vector<Point>& polygon, Inside inside) {
  std::vector<Point> kept;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const Point a = polygon[i], b = polygon[(i + 1) % polygon.size()];
    const double at_a = inside(a), at_b = inside(b);
    if (at_a >= 0) kept.push_back(a);
    if ((at_a > 0 && at_b < 0) || (at_a < 0 && at_b > 0)) {
      const double part = at_a / (at_a - at_b);
      kept.push_back({a.x + part * (b.x - a.x), a.y + part * (b.y - a.y)});
    }
  }
  return kept;
}

}  // namespace

double depth_in(const std::vector<Point>& polygon, Point point) {
  double nearest = std::numeric_limits<double>::infinity();
  bool inside = false;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const Point a = polygon[i], b = polygon[(i + 1) % polygon.size()];
    nearest = std::min(nearest, distance_to_side(a, b, point));
    // Does a line from the point to the right cross this side?
    if ((a.y > point.y) != (b.y > point.y) && (turn(a, b, point) > 0) == (b.y > a.y)) {
      inside = !inside;
    }
  }
  return inside ? nearest : -nearest;
}

double double_area(const std::vector<Point>& polygon) {
  double sum = 0;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    sum += turn(polygon[0], polygon[i], polygon[(i + 1) % polygon.size()]);
  }
  return sum;
}

std::optional<std::pair<std::size_t, std::size_t>> crossing_sides(
    const std::vector<Point>& polygon) {
  const std::size_t count = polygon.size();
  const auto corner = [&](std::size_t i) { return polygon[i % count]; };
  for (std::size_t i = 0; i < count; ++i) {
    // Neighbours share a corner; one that runs back over the other lies on it.
    const Point a = corner(i), b = corner(i + 1), c = corner(i + 2);
    const double onward = (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y);
    if (turn(a, b, c) == 0 && onward <= 0) return {{i, (i + 1) % count}};
    for (std::size_t j = i + 2; j < count; ++j) {
      if (i == 0 && j == count - 1) continue;  // neighbours, too
      if (touch(a, b, corner(j), corner(j + 1))) return {{i, j}};
    }
  }
  return std::nullopt;
}

std::vector<Point> clipped(std::vector<Point> polygon, Size image) {
  polygon = half(polygon, [](Point p) { return p.x; });
  polygon = half(polygon, [](Point p) { return p.y; });
  polygon = half(polygon, [&](Point p) { return image.width - p.x; });
  return half(polygon, [&](Point p) { return image.height - p.y; });
}

}  // namespace edgecv
