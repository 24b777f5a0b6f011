#include "edgecv/boxes/nms.hpp"

#include "arrays.hpp"

namespace edgecv::bindings {

void bind_nms(nb::module_& m) {
  const auto as_indices = [](std::vector<std::int64_t> kept) {
    const std::size_t count = kept.size();
    return to_numpy(std::move(kept), {count});
  };
  m.def(
      "nms",
      [as_indices](const Boxes& boxes, const Scores& scores, double iou_threshold) {
        std::vector<std::int64_t> kept;
        {
          nb::gil_scoped_release release;
          kept = nms(boxes.data(), scores.data(), boxes.shape(0), iou_threshold);
        }
        return as_indices(std::move(kept));
      },
      nb::arg("boxes"), nb::arg("scores"), nb::arg("iou_threshold"));
  m.def(
      "batched_nms",
      [as_indices](const Boxes& boxes, const Scores& scores, const Labels& labels,
                   double iou_threshold, std::int64_t max_kept) {
        std::vector<std::int64_t> kept;
        {
          nb::gil_scoped_release release;
          kept = batched_nms(boxes.data(), scores.data(), labels.data(), boxes.shape(0),
                             iou_threshold, max_kept);
        }
        return as_indices(std::move(kept));
      },
      nb::arg("boxes"), nb::arg("scores"), nb::arg("labels"), nb::arg("iou_threshold"),
      nb::arg("max_kept"));
}

}  // namespace edgecv::bindings
