// Whether an engine keeps the contract in engine.hpp: run it on an engine of your own.
//
//   std::shared_ptr<edgecv::Engine> engine;
//   const std::vector<edgecv::Shape> shapes = {{1, 3, 320, 320}};  // of each input
//   for (const std::string& broken : edgecv::engine_conformance(*engine, shapes)) {
//     std::printf("%s\n", broken.c_str());
//   }
#pragma once

#include <string>
#include <vector>

#include "edgecv/engine/engine.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

/// Runs the engine on numbers that are the same each time: with its own buffers and with memory of
/// the caller's, twice, in other shapes where the graph leaves axes open (the images' axis within
/// batch_range(), other first axes also of length 0), after a shape that does not fit, from another
/// thread, and beside a further context where it has one.
///
/// `shapes`: of each input, as the graph takes it. Results are compared bit for bit, so an engine
/// that sums in another order each time does not conform.
///
/// Returns one line for each rule that is broken; none: the engine conforms. Throws Error
/// (invalid_input) if `shapes` does not fit the engine's own description.
EDGECV_API std::vector<std::string> engine_conformance(Engine& engine,
                                                       const std::vector<Shape>& shapes);

}  // namespace edgecv
