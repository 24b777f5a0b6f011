// Which pipeline runs a bundle.
#pragma once

#include <string>
#include <variant>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/error.hpp"

namespace edgecv {

/// The name of the class.
const char* pipeline_of(const Manifest& manifest);

/// What is said to the caller of another one.
[[noreturn]] void refuse_bundle(const Bundle& bundle, const char* pipeline);

/// The bundle's postprocessing, for the pipeline of that name; throws Error (bad_bundle) if it is
/// another's.
template <typename Spec>
const Spec& postprocess_for(const char* pipeline, const Bundle& bundle) {
  if (const auto* spec = std::get_if<Spec>(&bundle.manifest().postprocess)) return *spec;
  refuse_bundle(bundle, pipeline);
}

}  // namespace edgecv
