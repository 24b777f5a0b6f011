// Whether an engine keeps the contract in engine.hpp: run it on an engine of your own.
//
//   std::shared_ptr<edgecv::Engine> engine;
//   const std::vector<edgecv::Shape> one = {{1, 3, 320, 320}}, four = {{4, 3, 320, 320}};
//   for (const std::string& broken : edgecv::engine_conformance(*engine, {one, four})) {
//     std::printf("%s\n", broken.c_str());
//   }
#pragma once

#include <string>
#include <vector>

#include "edgecv/engine/engine.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

/// Runs the engine on numbers that are the same each time: with its own buffers and with memory of
/// the caller's, twice, in changing shapes, after a shape and a dtype that do not fit, from another
/// thread, and beside a further context where it has one.
///
/// `shapes`: sets with one for each input, as the graph takes them. The first set is the usual one;
/// the others should have other lengths of the axes that the graph leaves open, 0 where that may
/// come. Results are compared bit for bit, so an engine that sums in another order each time does
/// not conform.
///
/// Returns one line for each rule that is broken; none: the engine conforms. Throws Error
/// (invalid_input) if `shapes` does not fit the engine's own description.
EDGECV_API std::vector<std::string> engine_conformance(
    Engine& engine, const std::vector<std::vector<Shape>>& shapes);

}  // namespace edgecv
