// Which findings of neighbouring tiles are one object.
#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "edgecv/error.hpp"
#include "edgecv/tiles.hpp"
#include "score_order.hpp"

namespace edgecv {
namespace {

constexpr float cut_margin = 0.01f;  // of a tile's side

struct Box {
  float x1, y1, x2, y2;

  float area() const { return std::max(x2 - x1, 0.f) * std::max(y2 - y1, 0.f); }
};

Box common(const Box& a, const Box& b) {
  return {std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
}

Box box_of(const float* xyxy) { return {xyxy[0], xyxy[1], xyxy[2], xyxy[3]}; }

Box box_of(const std::int64_t* xyxy) {
  return {static_cast<float>(xyxy[0]), static_cast<float>(xyxy[1]), static_cast<float>(xyxy[2]),
          static_cast<float>(xyxy[3])};
}

/// Whether the box reaches a border at which the tile ends and the picture does not.
bool is_cut(const Box& box, const Box& tile, Size picture) {
  const float margin_x = cut_margin * (tile.x2 - tile.x1);
  const float margin_y = cut_margin * (tile.y2 - tile.y1);
  return (tile.x1 > 0 && box.x1 <= tile.x1 + margin_x) ||
         (tile.y1 > 0 && box.y1 <= tile.y1 + margin_y) ||
         (tile.x2 < static_cast<float>(picture.width) && box.x2 >= tile.x2 - margin_x) ||
         (tile.y2 < static_cast<float>(picture.height) && box.y2 >= tile.y2 - margin_y);
}

class Grouper {
 public:
  Grouper(const TileFindings& findings, double match_threshold)
      : findings_(findings), threshold_(static_cast<float>(match_threshold)) {
    for (std::size_t t = 0; t < findings.window_count; ++t) {
      windows_.push_back(box_of(findings.windows + 4 * t));
    }
    for (std::size_t i = 0; i < findings.count; ++i) {
      const std::int32_t tile = findings.tiles[i];
      if (tile < 0 || static_cast<std::size_t>(tile) >= windows_.size()) {
        throw Error(ErrorCode::invalid_input, "group_tiles: finding " + std::to_string(i) +
                                                  " is of tile " + std::to_string(tile) +
                                                  ", there are " + std::to_string(windows_.size()));
      }
      boxes_.push_back(box_of(findings.boxes + 4 * i));
      cut_.push_back(is_cut(boxes_[i], windows_[tile], findings.picture));
    }
    find_neighbours();
  }

  std::vector<TileGroup> operator()() {
    const std::vector<std::uint32_t> order = by_falling_score(findings_.scores, findings_.count);
    for (const std::uint32_t i : order) free_[key(findings_.labels[i], tile(i))].push_back(i);
    taken_.assign(findings_.count, false);
    std::vector<TileGroup> groups;
    for (const std::uint32_t seed : order) {
      if (!taken_[seed]) groups.push_back(grown(seed));
    }
    return groups;
  }

 private:
  std::int32_t tile(std::uint32_t finding) const { return findings_.tiles[finding]; }

  std::uint64_t key(std::int64_t label, std::int32_t tile) const {
    return static_cast<std::uint64_t>(label) * windows_.size() + static_cast<std::uint64_t>(tile);
  }

  void find_neighbours() {
    neighbours_.resize(windows_.size());
    for (std::size_t a = 0; a < windows_.size(); ++a) {
      for (std::size_t b = 0; b < windows_.size(); ++b) {
        if (a != b && common(windows_[a], windows_[b]).area() > 0) {
          neighbours_[a].push_back(static_cast<std::int32_t>(b));
        }
      }
    }
  }

  TileGroup grown(std::uint32_t seed) {
    TileGroup group;
    std::vector<std::int32_t> seen{tile(seed)};
    take(seed, group);
    for (std::size_t m = 0; m < group.members.size(); ++m) {
      const auto member = static_cast<std::uint32_t>(group.members[m]);
      for (const std::int32_t neighbour : neighbours_[tile(member)]) {
        if (std::find(seen.begin(), seen.end(), neighbour) != seen.end()) continue;
        const std::int64_t joining = best_match(member, neighbour);
        if (joining < 0) continue;
        take(static_cast<std::uint32_t>(joining), group);
        seen.push_back(neighbour);
      }
    }
    return group;
  }

  void take(std::uint32_t finding, TileGroup& group) {
    taken_[finding] = true;
    group.members.push_back(static_cast<std::int32_t>(finding));
    const bool better =
        group.whole < 0 || findings_.scores[finding] > findings_.scores[group.whole];
    if (!cut_[finding] && better) group.whole = static_cast<std::int32_t>(finding);
  }

  /// The free finding of a tile that matches best, the better score first; -1 if none does.
  std::int64_t best_match(std::uint32_t finding, std::int32_t other_tile) const {
    const auto found = free_.find(key(findings_.labels[finding], other_tile));
    if (found == free_.end()) return -1;
    const Box shared = common(windows_[tile(finding)], windows_[other_tile]);
    std::int64_t best = -1;
    float best_iou = 0;
    for (const std::uint32_t other : found->second) {
      if (taken_[other]) continue;
      const float iou = match(finding, other, shared);
      if (iou > best_iou) {
        best_iou = iou;
        best = other;
      }
    }
    return best;
  }

  /// IoU in the region that the two tiles share; 0 if the findings do not match.
  float match(std::uint32_t a, std::uint32_t b, const Box& shared) const {
    const Box overlap = common(boxes_[a], boxes_[b]);
    if (overlap.area() <= 0) return 0;
    const float inner = common(overlap, shared).area();
    const float area_a = common(boxes_[a], shared).area();
    const float area_b = common(boxes_[b], shared).area();
    if (!cut_[a] && !cut_[b]) {
      const float both = boxes_[a].area() + boxes_[b].area() - overlap.area();
      if (!(overlap.area() > threshold_ * both)) return 0;
    } else {
      const float piece = !cut_[b] ? area_a : !cut_[a] ? area_b : std::min(area_a, area_b);
      if (!(inner > threshold_ * piece)) return 0;
    }
    return inner / (area_a + area_b - inner);
  }

  TileFindings findings_;
  float threshold_;
  std::vector<Box> windows_, boxes_;
  std::vector<bool> cut_, taken_;
  std::vector<std::vector<std::int32_t>> neighbours_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> free_;  // by falling score
};

}  // namespace

std::vector<TileGroup> group_tiles(const TileFindings& findings, double match_threshold) {
  return Grouper(findings, match_threshold)();
}

}  // namespace edgecv
