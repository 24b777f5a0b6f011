#include "edgecv/bundle/bundle.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>

#include <filesystem>

#include "arrays.hpp"
#include "bundle/bundle_files.hpp"
#include "bundle/utf8_path.hpp"
#include "edgecv/bundle/graph_check.hpp"
#include "text.hpp"

namespace nb = nanobind;

namespace edgecv::bindings {

namespace {

/// A path as Python gives it, whatever bytes a file's name has.
HashedFile open_hashed(const std::filesystem::path& name) { return HashedFile(utf8_name(name)); }

}  // namespace

void bind_bundle(nb::module_& m) {
  using Unlocked = nb::call_guard<nb::gil_scoped_release>;
  m.def(
      "check_graph",
      [](const nb::bytes& content, const std::filesystem::path& name) {
        check_graph(content.data(), content.size(), utf8_name(name));
      },
      nb::arg("content"), nb::arg("name"),
      "Raises BundleError unless an ONNX file's bytes are one graph of standard operators whose "
      "weights are all inside; `name` is what messages call it.");
  nb::class_<HashedFile>(m, "HashedFile",
                         "A file that was hashed and stays open: what is read behind its path (as "
                         "open(file) does) are the bytes that were hashed. str gives its name.")
      .def_static("open", &open_hashed, nb::arg("name"), Unlocked(),
                  "Opens and hashes a file; raises BundleError where it cannot be read.")
      .def_prop_ro("sha256", &HashedFile::sha256)
      .def_prop_ro("size", &HashedFile::size)
      .def(
          "__fspath__", [](const HashedFile& file) { return path_text(file.path()); },
          nb::sig("def __fspath__(self) -> str"))
      .def(
          "__str__", [](const HashedFile& file) { return path_text(file.name()); },
          nb::sig("def __str__(self) -> str"))
      .def("require_unchanged", &HashedFile::require_unchanged, Unlocked(),
           "Once it was read; raises BundleError if somebody wrote into it meanwhile.");
  nb::class_<Bundle>(m, "Bundle")
      .def_static(
          "open",
          // Not Bundle::open(): Python unpacks a .zip itself.
          [](const std::filesystem::path& folder) {
            return Bundle(folder_files(utf8_name(folder)));
          },
          nb::arg("folder"), Unlocked(),
          "Reads folder/bundle.json; raises BundleError naming what is wrong.")
      .def_prop_ro(
          "folder", [](const Bundle& bundle) { return path_text(bundle.folder()); },
          nb::sig("def folder(self) -> str"))
      .def_prop_ro("manifest", &Bundle::manifest)
      .def("graph", &Bundle::graph, nb::arg("role"), nb::arg("precision"), nb::arg("dialect"),
           nb::rv_policy::reference_internal)
      .def("default_precision", &Bundle::default_precision,
           "fp32, or where the bundle has no such graphs, the most exact that all roles have.")
      .def("verified_file", &Bundle::verified_file, nb::arg("file"), nb::arg("sha256"), Unlocked(),
           "A file of the bundle, once its sha256 is found right; raises BundleError.")
      .def("is_current", &Bundle::is_current, Unlocked(),
           "Whether bundle.json is still what was read.")
      .def(
          "verified_path",
          [](const Bundle& bundle, const std::string& file, const std::string& sha256) {
            std::string path;
            {
              nb::gil_scoped_release unlocked;
              path = bundle.verified_path(file, sha256);
            }
            return path_text(path);
          },
          nb::arg("file"), nb::arg("sha256"),
          nb::sig("def verified_path(self, file: str, sha256: str) -> str"),
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
