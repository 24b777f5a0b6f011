#include "edgecv/bundle.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>

#include <filesystem>

#include "arrays.hpp"
#include "edgecv/graph_check.hpp"

namespace nb = nanobind;

namespace edgecv::bindings {

void bind_bundle(nb::module_& m) {
  using Unlocked = nb::call_guard<nb::gil_scoped_release>;
  m.def(
      "check_graph",
      [](const nb::bytes& content, const std::string& name) {
        check_graph(content.data(), content.size(), name);
      },
      nb::arg("content"), nb::arg("name"),
      "Raises BundleError unless an ONNX file's bytes are one graph of standard operators whose "
      "weights are all inside; `name` is what messages call it.");
  nb::class_<Bundle>(m, "Bundle")
      .def_static(
          "open",
          [](const std::filesystem::path& folder) { return Bundle::open(folder.u8string()); },
          nb::arg("folder"), Unlocked(),
          "Reads folder/bundle.json; raises BundleError naming what is wrong.")
      .def_prop_ro("folder", &Bundle::folder)
      .def_prop_ro("manifest", &Bundle::manifest)
      .def("graph", &Bundle::graph, nb::arg("role"), nb::arg("precision"), nb::arg("dialect"),
           nb::rv_policy::reference_internal)
      .def("verified_path", &Bundle::verified_path, nb::arg("file"), nb::arg("sha256"), Unlocked(),
           "Path of a file of the bundle, once its sha256 is found right; raises BundleError.")
      .def(
          "anchors",
          [](const Bundle& bundle) {
            std::vector<float> anchors;
            {
              nb::gil_scoped_release unlocked;
              anchors = bundle.anchors();
            }
            const std::size_t count = anchors.size() / 4;
            return to_numpy(std::move(anchors), {count, 4});
          },
          "float32 [A, 4] xyxy in pixels of the network's input; [0, 4] where the boxes come "
          "finished.");
}

}  // namespace edgecv::bindings
