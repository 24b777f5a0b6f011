#include "edgecv/tracking/assignment.hpp"

#include "arrays.hpp"

namespace edgecv::bindings {

void bind_assignment(nb::module_& m) {
  m.def(
      "linear_assignment",
      [](const Array<double, nb::ndim<2>>& cost) {
        std::vector<std::int64_t> columns;
        {
          nb::gil_scoped_release release;
          columns = linear_assignment(cost.data(), cost.shape(0), cost.shape(1));
        }
        const std::size_t count = columns.size();
        return to_numpy(std::move(columns), {count});
      },
      nb::arg("cost"));
}

}  // namespace edgecv::bindings
