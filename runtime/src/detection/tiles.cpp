#include "edgecv/detection/tiles.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bundle/bundle_error.hpp"
#include "edgecv/boxes/boxes.hpp"
#include "edgecv/error.hpp"
#include "edgecv/image/sliding_windows.hpp"

namespace edgecv {
namespace {

constexpr std::size_t most_tiles = 65536;

std::vector<Image> cut(const Image& image, const std::vector<std::int64_t>& windows) {
  std::vector<Image> tiles;
  for (std::size_t i = 0; i < windows.size(); i += 4) {
    const std::int64_t* const xyxy = &windows[i];
    tiles.push_back(
        crop(image, static_cast<int>(xyxy[0]), static_cast<int>(xyxy[1]),
             {static_cast<int>(xyxy[3] - xyxy[1]), static_cast<int>(xyxy[2] - xyxy[0])}));
  }
  return tiles;
}

/// Detections of all tiles one after another, moved to the image.
struct Gathered {
  Detections detections;
  std::vector<MaskCrop> masks;  // one for each, or none
  std::vector<std::int32_t> tiles;

  void add(const Detections& found, std::vector<MaskCrop> found_masks, std::int32_t tile,
           const std::int64_t* window) {
    for (std::size_t i = 0; i < found.scores.size(); ++i) {
      float box[4];
      for (int k = 0; k < 4; ++k) {
        box[k] = found.boxes[4 * i + k] + static_cast<float>(window[k % 2]);
      }
      if (!has_area(box)) continue;  // far from the origin a very thin one rounds to nothing
      detections.boxes.insert(detections.boxes.end(), box, box + 4);
      detections.scores.push_back(found.scores[i]);
      detections.labels.push_back(found.labels[i]);
      tiles.push_back(tile);
      if (found_masks.empty()) continue;
      masks.push_back(std::move(found_masks[i]));
      masks.back().x += static_cast<int>(window[0]);
      masks.back().y += static_cast<int>(window[1]);
    }
  }

  std::vector<TileGroup> groups(const std::vector<std::int64_t>& windows, Size image,
                                double match_threshold) const {
    return group_tiles({detections.boxes.data(), detections.scores.data(), detections.labels.data(),
                        tiles.data(), tiles.size(), windows.data(), windows.size() / 4, image},
                       match_threshold);
  }

  /// One detection for each group.
  Detections merged(const std::vector<TileGroup>& groups) const {
    Detections result;
    for (const TileGroup& group : groups) {
      const std::int32_t best = group.members.front();
      result.scores.push_back(detections.scores[best]);
      result.labels.push_back(detections.labels[best]);
      const float* const first = &detections.boxes[4 * (group.whole < 0 ? best : group.whole)];
      float box[4] = {first[0], first[1], first[2], first[3]};
      if (group.whole < 0) {
        for (const std::int32_t member : group.members) {
          const float* const piece = &detections.boxes[4 * member];
          for (int k = 0; k < 2; ++k) box[k] = std::min(box[k], piece[k]);
          for (int k = 2; k < 4; ++k) box[k] = std::max(box[k], piece[k]);
        }
      }
      result.boxes.insert(result.boxes.end(), box, box + 4);
    }
    return result;
  }
};

}  // namespace

std::vector<std::int64_t> tiles_of(const TileSpec& spec, Size image) {
  if (!(spec.match_threshold > 0 && spec.match_threshold <= 1)) {
    throw Error(ErrorCode::invalid_input,
                "match_threshold: expected a number above 0 up to 1, got " +
                    shortest_digits(spec.match_threshold));
  }
  const WindowGrid grid = sliding_windows(image, spec.size, spec.overlap);
  if (grid.count() > most_tiles) {
    throw Error(ErrorCode::invalid_input,
                "tiles: the image would have " + std::to_string(grid.count()) +
                    " of them; expected at most " + std::to_string(most_tiles) +
                    ": use larger tiles or less overlap");
  }
  std::vector<std::int64_t> windows = grid.boxes();
  if (spec.whole && grid.count() > 1) {
    windows.insert(windows.end(), {0, 0, image.width, image.height});
  }
  return windows;
}

Detections detect_in_tiles(Detector& detector, const Image& image, const TileSpec& spec,
                           int max_batch, Timing* timing) {
  check(image);
  const std::vector<std::int64_t> windows = tiles_of(spec, image.size());
  std::vector<Detections> found = detector.run(cut(image, windows), max_batch, timing);
  if (found.size() == 1) return std::move(found.front());
  Gathered gathered;
  for (std::size_t t = 0; t < found.size(); ++t) {
    gathered.add(found[t], {}, static_cast<std::int32_t>(t), &windows[4 * t]);
  }
  return gathered.merged(gathered.groups(windows, image.size(), spec.match_threshold));
}

Instances detect_in_tiles(TwoStageDetector& detector, const Image& image, const TileSpec& spec,
                          TwoStageTiming* timing) {
  check(image);
  const std::vector<std::int64_t> windows = tiles_of(spec, image.size());
  TwoStageTiming unused;
  std::vector<Instances> found = detector.run(cut(image, windows), timing ? *timing : unused);
  if (found.size() == 1) return std::move(found.front());
  Gathered gathered;
  for (std::size_t t = 0; t < found.size(); ++t) {
    gathered.add(found[t].detections, std::move(found[t].masks), static_cast<std::int32_t>(t),
                 &windows[4 * t]);
  }
  const auto groups = gathered.groups(windows, image.size(), spec.match_threshold);
  Instances result{gathered.merged(groups), {}};
  if (gathered.masks.empty()) return result;
  for (const TileGroup& group : groups) {
    if (group.whole >= 0) {
      result.masks.push_back(std::move(gathered.masks[group.whole]));
      continue;
    }
    std::vector<const MaskCrop*> pieces;
    for (const std::int32_t member : group.members) pieces.push_back(&gathered.masks[member]);
    result.masks.push_back(unite_masks(pieces));
  }
  return result;
}

MaskCrop unite_masks(const std::vector<const MaskCrop*>& masks) {
  MaskCrop united;
  int right = 0, bottom = 0;
  bool any = false;
  for (const MaskCrop* mask : masks) {
    if (mask->pixels.empty()) continue;
    united.x = any ? std::min(united.x, mask->x) : mask->x;
    united.y = any ? std::min(united.y, mask->y) : mask->y;
    right = std::max(right, mask->x + mask->width);
    bottom = std::max(bottom, mask->y + mask->height);
    any = true;
  }
  if (!any) return united;
  united.width = right - united.x;
  united.height = bottom - united.y;
  united.pixels.resize(static_cast<std::size_t>(united.width) *
                       static_cast<std::size_t>(united.height));
  for (const MaskCrop* mask : masks) {
    const std::uint8_t* from = mask->pixels.data();
    for (int y = 0; y < mask->height; ++y, from += mask->width) {
      std::uint8_t* const to =
          &united.pixels[static_cast<std::size_t>(mask->y - united.y + y) * united.width +
                         (mask->x - united.x)];
      std::transform(from, from + mask->width, to, to, [](auto a, auto b) { return a | b; });
    }
  }
  return united;
}

}  // namespace edgecv
