#include "edgecv/load/choice.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <vector>

#include "edgecv/error.hpp"
#include "text.hpp"

namespace nb = nanobind;

namespace edgecv::bindings {
namespace {

/// An error of ours that a callback raised, which the rules may take for a reason against an offer.
struct Raised : Error {
  Raised(ErrorCode code, const nb::python_error& error)
      : Error(code, bytes_of(nb::str(error.value()))),
        original(std::make_shared<nb::python_error>(error)) {}
  std::shared_ptr<nb::python_error> original;
};

[[noreturn]] void raise_as_ours(const nb::python_error& error) {
  const nb::module_ core = nb::module_::import_("edgecv_runtime._core");
  if (error.matches(core.attr("EngineError"))) throw Raised(ErrorCode::engine, error);
  if (error.matches(core.attr("BundleError"))) throw Raised(ErrorCode::bad_bundle, error);
  throw error;
}

/// An Offer of engines/choice.py. Its methods are called without the GIL held.
EngineOffer to_offer(nb::handle given) {
  EngineOffer offer;
  offer.engine = nb::cast<std::string>(given.attr("engine"));
  offer.device = nb::cast<std::string>(given.attr("device"));
  for (nb::handle device : given.attr("devices")) {
    offer.devices.push_back(nb::cast<std::string>(device));
  }
  for (nb::handle pair : given.attr("computes")) {
    offer.computes.emplace(nb::cast<std::string>(pair[0]), nb::cast<std::string>(pair[1]));
  }
  // Handles: the list of offers outlives the call.
  const nb::handle why_not = given.attr("why_not"), find_files = given.attr("find_files");
  if (!why_not.is_none()) {
    offer.why_not = [given] {
      const nb::gil_scoped_acquire acquire;
      const nb::object reason = given.attr("why_not")();
      return reason.is_none() ? std::string() : bytes_of(nb::str(reason));
    };
  }
  if (!find_files.is_none()) {
    offer.find_files = [given](const Bundle&, const EngineRequest&) {
      const nb::gil_scoped_acquire acquire;
      try {
        const nb::object found = given.attr("find_files")();
        EngineFiles result{nb::cast<std::string>(found[0]), {}};
        for (auto [role, file] : nb::cast<nb::dict>(found[1])) {
          result.files.emplace(nb::cast<std::string>(role), nb::cast<HashedFile>(file));
        }
        return result;
      } catch (const nb::python_error& error) {
        raise_as_ours(error);
      }
    };
  }
  return offer;
}

nb::tuple choose_for_python(const Bundle& bundle, const std::string& engine,
                            const std::string& device, const std::string& precision,
                            const nb::list& given) {
  std::vector<EngineOffer> offers;
  for (nb::handle offer : given) offers.push_back(to_offer(offer));
  Choice choice;
  try {
    const nb::gil_scoped_release release;
    choice = choose(bundle, {engine, device, precision}, offers);
  } catch (const Raised& raised) {
    throw nb::python_error(*raised.original);
  }
  nb::dict files;
  for (const auto& [role, file] : choice.files) files[nb::str(role.c_str())] = nb::cast(file);
  nb::list passed_over;
  for (const auto& [name, reason] : choice.passed_over) {
    passed_over.append(nb::make_tuple(name, message_text(reason.c_str())));
  }
  return nb::make_tuple(choice.engine, choice.device, choice.precision, files, passed_over);
}

}  // namespace

void bind_choice(nb::module_& m) {
  m.def("choose", &choose_for_python, nb::arg("bundle"), nb::arg("engine"), nb::arg("device"),
        nb::arg("precision"), nb::arg("offers"),
        nb::sig("def choose(bundle: Bundle, engine: str, device: str, precision: str, offers: "
                "list[typing.Any]) -> tuple[str, str, str, dict[str, HashedFile], "
                "list[tuple[str, str]]]"),
        "Chooses between offers of engines (edgecv_runtime.engines.choice.Offer); \"\" stands for "
        "what is not asked for. Gives engine, device, precision, files by role, and what was "
        "passed over with the reasons; an engine of \"\" where none can run the bundle.");
}

}  // namespace edgecv::bindings
