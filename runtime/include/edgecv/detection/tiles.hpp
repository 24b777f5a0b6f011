// Detection on large images, tile by tile; what the tiles show is put together.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");
//   std::shared_ptr<edgecv::Engine> engine;  // of the graph main
//   edgecv::Detector detector(bundle, engine);
//   edgecv::TileSpec tiles;
//   tiles.size = {640, 640};
//   const edgecv::Detections found = edgecv::detect_in_tiles(detector, edgecv::Image{}, tiles);
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/detection/detections.hpp"
#include "edgecv/detection/detector.hpp"
#include "edgecv/detection/two_stage_detector.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"

namespace edgecv {

/// How an image is cut into tiles. Each goes through the whole pipeline as an image of its own.
struct TileSpec {
  Size size;             // in pixels of the image; a larger one is cut to the image
  double overlap = 0.2;  // of neighbours, a part of the size, 0 to below 1; see sliding_windows()
  bool whole = false;    // the whole image is run as well, for objects larger than a tile
  // Two detections of one object overlap by more than this, above 0 to 1; see group_tiles().
  double match_threshold = 0.5;
};

/// The tiles of an image, [T, 4] xyxy, row by row; with `whole` the image itself comes last,
/// unless it is the only tile. Throws Error (invalid_input) if the spec cannot be right.
EDGECV_API std::vector<std::int64_t> tiles_of(const TileSpec& spec, Size image);

/// What several tiles found, in pixels of the image: `boxes` [N, 4] xyxy, `scores`, `labels` and
/// `tiles` [N], indices of `tile_boxes` [T, 4] xyxy.
struct TileDetections {
  const float* boxes;
  const float* scores;
  const std::int64_t* labels;
  const std::int32_t* tiles;
  std::size_t count;
  const std::int64_t* tile_boxes;
  std::size_t tile_count;
  Size image;
};

/// One object and all that was found of it.
struct TileGroup {
  std::vector<std::int32_t> members;  // indices of detections, the best score first
  std::int32_t whole = -1;            // the one that is the object; -1: it is the union of all
};

/// Finds out which detections of one label are the same object, seen by several tiles. All margins
/// are parts of the object's own width and height; docs/tiles.md has a drawing.
///
/// A tile sees an object whole if no more than 5 % of it lies beyond a border at which the image
/// goes on. A detection is a piece of an object if each of its sides lies within 20 % of where the
/// tile sees the object end: at the object's side, or at the tile's border. Two detections of
/// different tiles match
/// - where both tiles see the hull of the two whole: if their IoU is above the threshold;
/// - where one does: if the other is a piece of its detection, and more than this part lies in it;
/// - where neither does: if both are pieces of the hull and their IoU, in the region that both
///   tiles see, is above 0.15.
/// The surest matches join first: two wholes before a whole and a piece before two pieces, the
/// higher IoU first. A group takes one detection of each tile, since those of one tile have passed
/// the model's own suppression; all its members must be pieces of its hull. A detection that stays
/// alone is not an object of its own if a larger one holds more than the threshold of it, goes on
/// beyond its tile, and the detection covers 20 % of what the tile sees of it and comes near the
/// border: it becomes a member.
///
/// `whole` is a member whose tile sees the hull of all whole and that covers half of it: the best
/// score of those in tiles that go on beyond the object by 5 % or more; else the detection on the
/// whole image; else the best score of the others; else none is. A lone detection is whole unless
/// it comes within 1 % of its tile's border.
///
/// Gives the groups by falling score of their best member. Throws Error (invalid_input) if a tile
/// does not exist or a box is not finite.
EDGECV_API std::vector<TileGroup> group_tiles(const TileDetections& detections,
                                              double match_threshold);

struct [[deprecated("TileDetections")]] TileFindings {
  const float* boxes;
  const float* scores;
  const std::int64_t* labels;
  const std::int32_t* tiles;
  std::size_t count;
  const std::int64_t* windows;
  std::size_t window_count;
  Size picture;

  operator TileDetections() const {
    return {boxes, scores, labels, tiles, count, windows, window_count, picture};
  }
};

/// Detects on an image in tiles; `max_batch` tiles share a run of the network. What group_tiles()
/// takes for one object becomes one detection: its box (and mask) is that of `whole`, or the union
/// of all pieces; its score is the best. The time of all tiles is added to `timing`, putting
/// together left out. An image of one tile gives what it gives without tiles.
EDGECV_API Detections detect_in_tiles(Detector& detector, const Image& image, const TileSpec& spec,
                                      int max_batch = 4, Timing* timing = nullptr);
EDGECV_API Instances detect_in_tiles(TwoStageDetector& detector, const Image& image,
                                     const TileSpec& spec, TwoStageTiming* timing = nullptr);

/// All that lies in one of the masks.
EDGECV_API MaskCrop unite_masks(const std::vector<const MaskCrop*>& masks);

}  // namespace edgecv
