// What a manifest may hold, beyond the types of its values.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>

#include "edgecv/bundle/manifest.hpp"

namespace edgecv {

inline constexpr std::uint64_t kMaxAnchors = 10'000'000;

/// Throws Error (bad_bundle) naming the first key whose value is out of range or does not fit the
/// others. Every manifest that is read or written passes here.
void check(const Manifest& manifest);

/// The manifest has the task that goes with its method, and a schema that knows the method.
void check_method(const Manifest& manifest, const std::string& method, Task task, int since_schema);

/// The manifest has that schema at least; `why` goes on behind "since".
void require_schema(const Manifest& manifest, int schema, const std::string& why);

/// Throws Error (bad_bundle) for the softmax of one score.
void check_score_function(ScoreFunction function, std::int64_t columns);

/// How many scores an image or pixel has: one for each label, or one that decides between two
/// labels, the first of which is what is not. Throws Error (bad_bundle) for the softmax of one.
std::int64_t score_columns(const Manifest& manifest, ScoreFunction function,
                           const TensorSpec& scores);

/// There is the role "main" only, its graphs take images, and `check_outputs` finds nothing wrong
/// with any of them; it is given the graph and its path.
void check_main_graphs(
    const Manifest& manifest,
    const std::function<void(const GraphFile&, const std::string&)>& check_outputs);

/// The graphs have exactly these roles.
void check_roles(const Manifest& manifest, std::initializer_list<const char*> roles);

/// A graph's input tensor fits the input record.
void check_image_tensor(const Manifest& manifest, const TensorSpec& tensor,
                        const std::string& path);

/// The output of that name; throws Error (bad_bundle) naming `key` if the graph has none.
const TensorSpec& find_output(const GraphFile& graph, const std::string& graph_path,
                              const std::string& name, const std::string& key);

/// An output is float32 and has these axes, where known; `why` says what they are.
void check_float_tensor(const TensorSpec& tensor, const Shape& expected, const std::string& why,
                        const std::string& path);

/// A float32 output has three axes (any, boxes, columns), where known.
void check_box_tensor(const TensorSpec& tensor, std::int64_t boxes, std::int64_t columns,
                      const std::string& why, const std::string& path);

/// Weights and max_log_scale under `path`.
void check_coder(const BoxCoder& coder, const std::string& path);

/// Sizes and ratios for each of `levels`; `each` says what the lists are counted by.
void check_grid_anchors(const GridAnchors& anchors, std::size_t levels, const std::string& path,
                        const std::string& each);

/// Throws Error (bad_bundle) unless `file` is a plain relative path that cannot leave the bundle.
void check_file_name(const std::string& path, const std::string& file);

/// Height and width of the tensor that images become, where all of them share it.
std::optional<Size> network_input_size(const Manifest& manifest);

/// How many boxes the main graph gives for an image, where its outputs say so.
std::optional<std::int64_t> box_count(const Manifest& manifest, const SsdSpec& spec);

}  // namespace edgecv
