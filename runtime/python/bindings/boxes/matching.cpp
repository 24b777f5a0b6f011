#include "edgecv/boxes/matching.hpp"

#include "arrays.hpp"

namespace edgecv::bindings {

void bind_matching(nb::module_& m) {
  m.def(
      "assign_anchors",
      [](const Boxes& anchors, const Boxes& boxes, float iou_threshold) {
        std::vector<std::int64_t> assigned;
        {
          nb::gil_scoped_release release;
          assigned = assign_anchors(anchors.data(), anchors.shape(0), boxes.data(), boxes.shape(0),
                                    iou_threshold);
        }
        const std::size_t count = assigned.size();
        return to_numpy(std::move(assigned), {count});
      },
      nb::arg("anchors"), nb::arg("boxes"), nb::arg("iou_threshold"));
}

}  // namespace edgecv::bindings
