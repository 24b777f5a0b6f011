#include <nanobind/nanobind.h>

#include "edgecv/error.hpp"
#include "edgecv/version.hpp"
#include "text.hpp"

namespace nb = nanobind;

namespace edgecv::bindings {
void bind_anchors(nb::module_&);
void bind_assignment(nb::module_&);
void bind_boxes(nb::module_&);
void bind_bundle(nb::module_&);
void bind_choice(nb::module_&);
void bind_classifier(nb::module_&);
void bind_detector(nb::module_&);
void bind_engine(nb::module_&);
void bind_input_spec(nb::module_&);
void bind_manifest(nb::module_&);
void bind_masks(nb::module_&);
void bind_matching(nb::module_&);
void bind_nms(nb::module_&);
void bind_preprocess(nb::module_&);
void bind_semantic_segmenter(nb::module_&);
void bind_sliding_windows(nb::module_&);
void bind_stylize(nb::module_&);
void bind_stylizer(nb::module_&);
void bind_tiles(nb::module_&);
void bind_tracker(nb::module_&);
void bind_timing(nb::module_&);
void bind_two_stage_ops(nb::module_&);
void bind_rcnn(nb::module_&);
void bind_two_stage_detector(nb::module_&);
void bind_zone_counter(nb::module_&);

namespace {

void bind_errors(nb::module_& m) {
  static nb::object base, invalid_input, bad_bundle, engine;
  const auto make = [&m](const char* name, nb::handle parents) {
    nb::object type = nb::steal(PyErr_NewException(
        (std::string("edgecv_runtime._core.") + name).c_str(), parents.ptr(), nullptr));
    m.attr(name) = type;
    return type;
  };
  base = make("Error", PyExc_Exception);
  invalid_input = make("InputError", nb::make_tuple(base, nb::handle(PyExc_ValueError)));
  bad_bundle = make("BundleError", base);
  engine = make("EngineError", base);
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      const nb::object& type = error.code() == ErrorCode::invalid_input ? invalid_input
                               : error.code() == ErrorCode::bad_bundle  ? bad_bundle
                               : error.code() == ErrorCode::engine      ? engine
                                                                        : base;
      PyErr_SetObject(type.ptr(), message_text(error.what()).ptr());
    }
  });
  nb::module_::import_("atexit").attr("register")(nb::cpp_function([] {
    for (nb::object* type : {&base, &invalid_input, &bad_bundle, &engine}) type->reset();
  }));
}

}  // namespace
}  // namespace edgecv::bindings

NB_MODULE(_core, m) {
  using namespace edgecv::bindings;
  m.doc() = "The C++ core of edgecv; its headers are the manual.";
  nb::set_leak_warnings(false);  // engines that live until the interpreter ends are not a fault
  m.attr("version") = EDGECV_VERSION;
  bind_errors(m);
  bind_boxes(m);
  bind_anchors(m);
  bind_nms(m);
  bind_matching(m);
  bind_assignment(m);
  bind_masks(m);
  bind_two_stage_ops(m);
  bind_input_spec(m);
  bind_preprocess(m);
  bind_sliding_windows(m);
  bind_rcnn(m);
  bind_stylize(m);
  bind_manifest(m);
  bind_bundle(m);
  bind_choice(m);
  bind_engine(m);
  bind_timing(m);
  bind_classifier(m);
  bind_detector(m);
  bind_semantic_segmenter(m);
  bind_two_stage_detector(m);
  bind_stylizer(m);
  bind_tiles(m);
  bind_tracker(m);
  bind_zone_counter(m);
}
