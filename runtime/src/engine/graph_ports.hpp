// Whether an engine's inputs and outputs are what a pipeline expects; errors name the port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edgecv/engine/engine.hpp"
#include "edgecv/image/input_spec.hpp"

namespace edgecv {

/// The engine itself; throws Error (engine) if there is none for that role.
std::shared_ptr<Engine> require_engine(std::shared_ptr<Engine> engine, const std::string& role);

/// Index of the output (input) of that name; throws Error (engine) naming those there are.
std::size_t find_output(const Engine& engine, const std::string& name);
std::size_t find_input(const Engine& engine, const std::string& name);

/// The same, or nothing where there is none.
std::optional<std::size_t> look_up(const std::vector<TensorSpec>& ports, const std::string& name);

/// The one input of a network that takes images is as the input record prepares them.
void check_image_input(const Engine& engine, const InputSpec& spec);

/// engine.input(), without memory for the shape.
Tensor input_of(Engine& engine, std::size_t index, std::initializer_list<std::int64_t> shape);

/// The input for `batch` tensors of images.
Tensor image_input(Engine& engine, std::size_t index, const InputSpec& spec, std::int64_t batch,
                   Size size);

/// Of one tensor of an image.
std::size_t image_bytes(const InputSpec& spec, Size size);

/// An output of the last run, whose shape is `expected` (-1: any length) and whose dtype is
/// float32.
Tensor float_output(Engine& engine, std::size_t index,
                    std::initializer_list<std::int64_t> expected);

/// One threshold for each class, each in 0..1, or none at all; throws Error (invalid_input).
void check_thresholds(const std::vector<float>& thresholds, int classes);

/// Sets those of some labels, by name; throws Error (invalid_input) for one that is not there.
void change_thresholds(std::vector<float>& thresholds, const std::vector<std::string>& labels,
                       const std::map<std::string, float>& by_name);

}  // namespace edgecv
