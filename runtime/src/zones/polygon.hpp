// Polygons of zones, in pixels.
//
//   const std::vector<Point> square{{0, 0}, {10, 0}, {10, 10}, {0, 10}};
//   depth_in(square, {5, 8});  // 2: inside, 2 from the nearest side
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "edgecv/zones/zone_counter.hpp"

namespace edgecv {

/// Distance from the nearest side: above 0 inside, below 0 outside.
double depth_in(const std::vector<Point>& polygon, Point point);

/// Twice the area; its sign is that of the direction in which the corners go round.
double double_area(const std::vector<Point>& polygon);

/// Two sides that cross, touch where they are not neighbours, or lie on each other; by the index of
/// the corner that each begins at.
std::optional<std::pair<std::size_t, std::size_t>> crossing_sides(
    const std::vector<Point>& polygon);

/// The part inside an image of that size; of two points the part of the line between them. Empty
/// where there is none.
std::vector<Point> clipped(std::vector<Point> polygon, Size image);

/// Where p is: above 0 on the right of somebody who goes from a to b (y goes down), below 0 on the
/// left. Twice the area of the triangle.
inline double turn(Point a, Point b, Point p) {
  return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
}

}  // namespace edgecv
