#include "edgecv/detection/tiles.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "detection/detections.hpp"
#include "edgecv/error.hpp"
#include "image/images.hpp"

namespace edgecv::bindings {
namespace {

using Windows = Array<std::int64_t, nb::shape<-1, 4>>;
using TileIndices = Array<std::int32_t, nb::ndim<1>>;

}  // namespace

void bind_tiles(nb::module_& m) {
  nb::class_<TileSpec>(m, "TileSpec")
      .def(
          "__init__",
          [](TileSpec* self, std::pair<int, int> size, double overlap, bool whole,
             double match_threshold) {
            new (self) TileSpec{{size.first, size.second}, overlap, whole, match_threshold};
          },
          nb::arg("size"), nb::arg("overlap"), nb::arg("whole"), nb::arg("match_threshold"));

  m.def(
      "tiles_of",
      [](const TileSpec& spec, std::pair<int, int> image_size) {
        std::vector<std::int64_t> windows = tiles_of(spec, {image_size.first, image_size.second});
        const std::size_t count = windows.size() / 4;
        return to_numpy(std::move(windows), {count, 4});
      },
      nb::arg("spec"), nb::arg("image_size"));

  m.def(
      "group_tiles",
      [](const Boxes& boxes, const Scores& scores, const Labels& labels, const TileIndices& tiles,
         const Windows& windows, std::pair<int, int> image_size, double match_threshold) {
        const std::size_t count = boxes.shape(0);
        if (scores.shape(0) != count || labels.shape(0) != count || tiles.shape(0) != count) {
          throw Error(ErrorCode::invalid_input,
                      "group_tiles: expected boxes [N, 4], scores [N], labels [N] and tiles [N]");
        }
        std::vector<TileGroup> groups;
        {
          nb::gil_scoped_release release;
          groups = group_tiles({boxes.data(),
                                scores.data(),
                                labels.data(),
                                tiles.data(),
                                count,
                                windows.data(),
                                windows.shape(0),
                                {image_size.first, image_size.second}},
                               match_threshold);
        }
        std::vector<std::pair<std::vector<std::int32_t>, std::int32_t>> found;
        for (TileGroup& group : groups) found.emplace_back(std::move(group.members), group.whole);
        return found;
      },
      nb::arg("boxes"), nb::arg("scores"), nb::arg("labels"), nb::arg("tiles"), nb::arg("windows"),
      nb::arg("image_size"), nb::arg("match_threshold"),
      "(members, whole) of each group; whole is -1 where every member is cut.");

  m.def(
      "detect_in_tiles",
      [](Detector& detector, const ImageArray& array, const std::string& format,
         const TileSpec& spec, int max_batch, Timing* timing) {
        const Image image = to_image(array, format);
        Detections found;
        {
          nb::gil_scoped_release release;
          found = detect_in_tiles(detector, image, spec, max_batch, timing);
        }
        return to_tuple(std::move(found));
      },
      nb::arg("detector"), nb::arg("picture"), nb::arg("format"), nb::arg("spec"),
      nb::arg("max_batch"), nb::arg("timing").none() = nb::none());
  m.def(
      "detect_in_tiles",
      [](TwoStageDetector& detector, const ImageArray& array, const std::string& format,
         const TileSpec& spec, TwoStageTiming* timing) {
        const Image image = to_image(array, format);
        Instances found;
        {
          nb::gil_scoped_release release;
          found = detect_in_tiles(detector, image, spec, timing);
        }
        return to_tuple(std::move(found));
      },
      nb::arg("detector"), nb::arg("picture"), nb::arg("format"), nb::arg("spec"),
      nb::arg("timing").none() = nb::none());
}

}  // namespace edgecv::bindings
