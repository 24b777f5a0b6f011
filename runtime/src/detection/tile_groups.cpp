// Which detections of several tiles are one object.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>

#include "edgecv/detection/tiles.hpp"
#include "edgecv/error.hpp"
#include "scores/score_order.hpp"

namespace edgecv {
namespace {

// Parts of the object's own width or height, or of areas.
constexpr float tolerance = 0.2f;   // that a side of a piece may be off
constexpr float unseen = 0.05f;     // may lie beyond the border of a tile that sees the whole
constexpr float clear = 0.05f;      // between the object and the border of a tile that sees best
constexpr float at_border = 0.01f;  // a lone detection that comes as near to the border is cut
constexpr float least_agreement = 0.15f;  // IoU of two pieces where both tiles see
constexpr float least_cover = 0.2f;       // of what a tile sees of the object, by a piece left over
constexpr float least_whole = 0.5f;       // of all members' hull, by the one that is the object

struct Box {
  float side[4];  // xyxy

  float width() const { return side[2] - side[0]; }
  float height() const { return side[3] - side[1]; }
  float extent(int k) const { return std::max(k % 2 ? height() : width(), 1e-6f); }
  float area() const { return std::max(width(), 0.f) * std::max(height(), 0.f); }
};

Box common(const Box& a, const Box& b) {
  return {std::max(a.side[0], b.side[0]), std::max(a.side[1], b.side[1]),
          std::min(a.side[2], b.side[2]), std::min(a.side[3], b.side[3])};
}

Box hull(const Box& a, const Box& b) {
  return {std::min(a.side[0], b.side[0]), std::min(a.side[1], b.side[1]),
          std::max(a.side[2], b.side[2]), std::max(a.side[3], b.side[3])};
}

float iou(const Box& a, const Box& b) {
  const float inner = common(a, b).area(), both = a.area() + b.area() - inner;
  return both > 0 ? inner / both : 0;
}

struct Tile {
  Box window;
  Box limits;  // the same, but infinite where the image ends too: nothing is cut there
  bool whole;  // of the image

  Tile(const std::int64_t* xyxy, Size image) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const std::int64_t ends[4] = {0, 0, image.width, image.height};
    whole = true;
    for (int k = 0; k < 4; ++k) {
      window.side[k] = static_cast<float>(xyxy[k]);
      const bool at_end = k < 2 ? xyxy[k] <= ends[k] : xyxy[k] >= ends[k];
      limits.side[k] = !at_end ? window.side[k] : k < 2 ? -infinity : infinity;
      whole = whole && at_end;
    }
  }

  /// How far the tile goes on beyond side k of an object, in parts of the object; negative: the
  /// tile cuts it.
  float room(const Box& object, int k) const {
    const float gap = object.side[k] - limits.side[k];
    return (k < 2 ? gap : -gap) / object.extent(k);
  }

  float room(const Box& object) const {
    return std::min(std::min(room(object, 0), room(object, 1)),
                    std::min(room(object, 2), room(object, 3)));
  }
};

enum class Kind { two_pieces, whole_and_piece, two_wholes };  // the surest last

struct Match {
  Kind kind;
  float agreement;  // IoU, where both see
  std::uint32_t a, b;
};

bool surer(const Match& x, const Match& y) {
  if (x.kind != y.kind) return x.kind > y.kind;
  if (x.agreement != y.agreement) return x.agreement > y.agreement;
  return x.a != y.a ? x.a < y.a : x.b < y.b;
}

class Grouper {
 public:
  Grouper(const TileDetections& detections, double match_threshold)
      : detections_(detections), threshold_(static_cast<float>(match_threshold)) {
    for (std::size_t t = 0; t < detections.tile_count; ++t) {
      tiles_.emplace_back(detections.tile_boxes + 4 * t, detections.image);
    }
    boxes_.resize(detections.count);
    for (std::size_t i = 0; i < detections.count; ++i) {
      const std::int32_t tile = detections.tiles[i];
      if (tile < 0 || static_cast<std::size_t>(tile) >= tiles_.size()) {
        throw Error(ErrorCode::invalid_input, "group_tiles: detection " + std::to_string(i) +
                                                  " is of tile " + std::to_string(tile) +
                                                  ", there are " + std::to_string(tiles_.size()));
      }
      std::copy_n(detections.boxes + 4 * i, 4, boxes_[i].side);
      for (const float value : boxes_[i].side) {
        if (!std::isfinite(value)) {
          throw Error(ErrorCode::invalid_input,
                      "group_tiles: box " + std::to_string(i) + " holds NaN or infinity");
        }
      }
    }
    hulls_ = boxes_;
    group_.resize(detections.count);
    std::iota(group_.begin(), group_.end(), 0);
    next_ = group_;
  }

  std::vector<TileGroup> operator()() {
    find_matches();
    std::sort(matches_.begin(), matches_.end(), surer);
    for (const Match& match : matches_) {
      if (can_join(match)) join(group_[match.a], group_[match.b]);
    }
    absorb_pieces_left_over();

    std::vector<TileGroup> groups;
    std::vector<std::int32_t> place(detections_.count, -1);
    for (const std::uint32_t i : by_falling_score(detections_.scores, detections_.count)) {
      std::uint32_t root = group_[i];
      while (group_[root] != root) root = group_[root];  // what absorbs may be absorbed itself
      if (place[root] < 0) {
        place[root] = static_cast<std::int32_t>(groups.size());
        groups.push_back({{}, best_view(root)});
      }
      groups[place[root]].members.push_back(static_cast<std::int32_t>(i));
    }
    return groups;
  }

 private:
  const Tile& tile(std::uint32_t i) const { return tiles_[detections_.tiles[i]]; }

  /// Sweeps over the boxes of each label from left to right.
  void find_matches() {
    std::vector<std::uint32_t> order(detections_.count);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::uint32_t i, std::uint32_t j) {
      if (detections_.labels[i] != detections_.labels[j]) {
        return detections_.labels[i] < detections_.labels[j];
      }
      const float x = boxes_[i].side[0], other = boxes_[j].side[0];
      return x != other ? x < other : i < j;
    });
    for (std::size_t m = 0; m < order.size(); ++m) {
      const std::uint32_t i = order[m];
      const Box& box = boxes_[i];
      for (std::size_t n = m + 1; n < order.size(); ++n) {
        const std::uint32_t j = order[n];
        const Box& other = boxes_[j];
        if (detections_.labels[j] != detections_.labels[i] || other.side[0] >= box.side[2]) break;
        if (other.side[1] >= box.side[3] || other.side[3] <= box.side[1]) continue;
        compare(std::min(i, j), std::max(i, j));
      }
    }
  }

  void compare(std::uint32_t i, std::uint32_t j) {
    const Box &a = boxes_[i], &b = boxes_[j];
    const float inner = common(a, b).area(), area_a = a.area(), area_b = b.area();
    const bool a_in_b = inner > threshold_ * area_a, b_in_a = inner > threshold_ * area_b;
    if (a_in_b && area_a < area_b) inside_.push_back({i, j, inner});
    if (b_in_a && area_b < area_a) inside_.push_back({j, i, inner});
    if (detections_.tiles[i] == detections_.tiles[j]) return;

    const Box object = hull(a, b);
    const bool a_sees = tile(i).room(object) >= -unseen, b_sees = tile(j).room(object) >= -unseen;
    if (a_sees && b_sees) {
      const float agreement = inner / (area_a + area_b - inner);
      if (agreement > threshold_) matches_.push_back({Kind::two_wholes, agreement, i, j});
    } else if (a_sees || b_sees) {
      const std::uint32_t whole = a_sees ? i : j, piece = a_sees ? j : i;
      if (!(a_sees ? b_in_a : a_in_b) || !is_piece(piece, boxes_[whole])) return;
      const float agreement = iou(boxes_[piece], common(boxes_[whole], tile(piece).window));
      matches_.push_back({Kind::whole_and_piece, agreement, i, j});
    } else if (is_piece(i, object) && is_piece(j, object)) {
      const Box shared = common(tile(i).window, tile(j).window);
      const float agreement = iou(common(a, shared), common(b, shared));
      if (agreement > least_agreement) {
        matches_.push_back({Kind::two_pieces, agreement, i, j});
      }
    }
  }

  /// Whether every side of a box lies near that of what its tile sees of the object.
  bool is_piece(std::uint32_t i, const Box& object) const {
    const Box seen = common(object, tile(i).window);
    for (int k = 0; k < 4; ++k) {
      if (std::abs(boxes_[i].side[k] - seen.side[k]) > tolerance * object.extent(k)) return false;
    }
    return true;
  }

  template <class Function>
  bool all_members(std::uint32_t group, Function holds) const {
    std::uint32_t i = group;
    do {
      if (!holds(i)) return false;
      i = next_[i];
    } while (i != group);
    return true;
  }

  /// No two members are of one tile, and all are pieces of their hull.
  bool can_join(const Match& match) const {
    const std::uint32_t a = group_[match.a], b = group_[match.b];
    if (a == b) return false;
    const bool other_tiles = all_members(a, [&](std::uint32_t i) {
      return all_members(
          b, [&](std::uint32_t j) { return detections_.tiles[i] != detections_.tiles[j]; });
    });
    if (!other_tiles) return false;
    if (next_[a] == a && next_[b] == b) return true;  // was seen when they were compared
    const Box object = hull(hulls_[a], hulls_[b]);
    const auto fits = [&](std::uint32_t i) { return is_piece(i, object); };
    return all_members(a, fits) && all_members(b, fits);
  }

  void join(std::uint32_t a, std::uint32_t b) {
    all_members(b, [&](std::uint32_t i) {
      group_[i] = a;
      return true;
    });
    std::swap(next_[a], next_[b]);  // two rings become one
    hulls_[a] = hull(hulls_[a], hulls_[b]);
  }

  /// A lone detection near the border that lies inside a larger object, of which its tile sees a
  /// part only, is no object.
  void absorb_pieces_left_over() {
    struct Target {
      float inner = 0;
      std::uint32_t group = 0;
    };
    std::vector<Target> targets(detections_.count);
    for (const Inside& pair : inside_) {
      const std::uint32_t i = pair.piece, group = group_[pair.object];
      const bool alone = group_[i] == i && next_[i] == i;
      if (alone && pair.inner > targets[i].inner && is_left_over(i, hulls_[group])) {
        targets[i] = {pair.inner, group};
      }
    }
    for (std::uint32_t i = 0; i < detections_.count; ++i) {
      if (targets[i].inner > 0) group_[i] = targets[i].group;
    }
  }

  bool is_left_over(std::uint32_t i, const Box& object) const {
    const Box seen = common(object, tile(i).window);
    if (common(boxes_[i], seen).area() < least_cover * seen.area()) return false;
    for (int k = 0; k < 4; ++k) {
      const float gap = std::abs(boxes_[i].side[k] - seen.side[k]);
      if (tile(i).room(object, k) < 0 && gap <= tolerance * object.extent(k)) return true;
    }
    return false;
  }

  /// The member that is the object's box; -1 if no tile sees all that the members cover.
  std::int32_t best_view(std::uint32_t group) const {
    const Box& object = hulls_[group];
    if (next_[group] == group) {
      return tile(group).room(object) > at_border ? static_cast<std::int32_t>(group) : -1;
    }
    std::int32_t best = -1;
    int best_rank = 0;
    all_members(group, [&](std::uint32_t i) {
      const float room = tile(i).room(object);
      if (room < 0 || boxes_[i].area() < least_whole * object.area()) return true;
      const int rank = tile(i).whole ? 1 : room >= clear ? 2 : 0;
      const float score = detections_.scores[i];
      if (best < 0 || rank > best_rank ||
          (rank == best_rank &&
           (score > detections_.scores[best] ||
            (score == detections_.scores[best] && static_cast<std::int32_t>(i) < best)))) {
        best = static_cast<std::int32_t>(i);
        best_rank = rank;
      }
      return true;
    });
    return best;
  }

  /// More than the threshold of `piece` lies in `object`, which is larger.
  struct Inside {
    std::uint32_t piece, object;
    float inner;
  };

  TileDetections detections_;
  float threshold_;
  std::vector<Tile> tiles_;
  std::vector<Box> boxes_;
  std::vector<Match> matches_;
  std::vector<Inside> inside_;
  std::vector<std::uint32_t> group_;  // of each detection, named after one of its members
  std::vector<std::uint32_t> next_;   // the members of a group form a ring
  std::vector<Box> hulls_;            // of the group of that name
};

}  // namespace

std::vector<TileGroup> group_tiles(const TileDetections& detections, double match_threshold) {
  return Grouper(detections, match_threshold)();
}

}  // namespace edgecv
