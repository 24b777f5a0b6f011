// Detection on large pictures: tile by tile, what the tiles found put together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/detections.hpp"
#include "edgecv/detector.hpp"
#include "edgecv/image.hpp"
#include "edgecv/two_stage_detector.hpp"

namespace edgecv {

/// How a picture is cut into tiles. Each goes through the whole pipeline as a picture of its own.
struct TileSpec {
  Size size;             // in pixels of the picture; a larger one is cut to the picture
  double overlap = 0.2;  // of neighbours, a part of the size, 0 to below 1; see sliding_windows()
  bool whole = false;    // look at the whole picture besides, for objects larger than a tile
  // Two tiles see one object if what they found overlaps by more than this, above 0 to 1; see
  // group_tiles().
  double match_threshold = 0.5;
};

/// The tiles of a picture, [T, 4] xyxy, row by row; with `whole` the picture itself comes last,
/// unless it is the only tile. Throws Error (invalid_input) if the spec cannot be right.
std::vector<std::int64_t> tiles_of(const TileSpec& spec, Size picture);

/// What several tiles found, in pixels of the picture: `boxes` [N, 4] xyxy, `scores`, `labels` and
/// `tiles` [N], indices of `windows` [T, 4] xyxy.
struct TileFindings {
  const float* boxes;
  const float* scores;
  const std::int64_t* labels;
  const std::int32_t* tiles;
  std::size_t count;
  const std::int64_t* windows;
  std::size_t window_count;
  Size picture;
};

/// One object and all that was found of it.
struct TileGroup {
  std::vector<std::int32_t> members;  // indices of findings; the best score comes first
  std::int32_t whole = -1;            // the best one that no tile cuts; -1: all are cut
};

/// Finds out which findings of one label are the same object, seen by several tiles.
///
/// A finding is cut if it comes within 1 % of its tile's side of a border that is not the
/// picture's. Two findings of different tiles match
/// - where neither is cut: if their IoU is above the threshold (each tile saw the whole object);
/// - where one is cut: if the other covers more than this part of it, in the region that the two
///   tiles share (one saw the object, the other a piece of it);
/// - where both are cut: if their intersection in that region is more than this part of the smaller
///   one there (two pieces).
/// From the best score down, each finding that is still free starts a group; of every tile, the
/// free finding joins that matches a member best (IoU in the shared region): one of each tile,
/// since the findings of one tile have passed the model's own suppression and are different
/// objects. Members that joined bring in the tiles beside theirs.
///
/// Gives the groups by falling score of their best member. Throws Error (invalid_input) if a tile
/// does not exist.
std::vector<TileGroup> group_tiles(const TileFindings& findings, double match_threshold);

/// Detects on a picture in tiles; `max_batch` tiles share a run of the network. An object that one
/// tile sees whole has that box (and mask); one that all tiles cut has the union of its pieces. Its
/// score is the best. The time of all tiles is added to `timing`, putting together left out. A
/// picture of one tile gives what it gives without tiles.
Detections detect_in_tiles(Detector& detector, const Image& image, const TileSpec& spec,
                           int max_batch = 4, Timing* timing = nullptr);
Instances detect_in_tiles(TwoStageDetector& detector, const Image& image, const TileSpec& spec,
                          TwoStageTiming* timing = nullptr);

/// All that lies in one of the masks.
MaskCrop unite_masks(const std::vector<const MaskCrop*>& masks);

}  // namespace edgecv
