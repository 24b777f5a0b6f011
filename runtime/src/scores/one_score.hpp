// Networks that give one score for two labels: what is not, and what is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bundle/manifest_rules.hpp"
#include "edgecv/bundle/manifest.hpp"
#include "threads/recycled.hpp"

namespace edgecv {

/// How many scores the main graph gives where the manifest has two labels or more: 1, or as many as
/// there are labels. The manifest was checked.
inline int score_columns(const Manifest& manifest, const std::string& output,
                         ScoreFunction function) {
  const GraphFile& graph = manifest.graphs.at("main").front();
  const TensorSpec& scores = find_output(graph, "graphs.main[0]", output, "scores");
  return static_cast<int>(score_columns(manifest, function, scores));
}

/// The scores [2, count] that stand for `count` single ones: a logit z becomes (0, z), whose
/// softmax is that of z's sigmoid, also after averages and interpolation; a probability p becomes
/// (1 - p, p). `function` is that of the single scores, paired_function() that of the pairs.
inline const float* paired_scores(ScoreFunction function, const float* scores, std::size_t count,
                                  Recycled<float>& pairs) {
  pairs.resize(2 * count);
  const bool logits = function == ScoreFunction::sigmoid;
  for (std::size_t i = 0; i < count; ++i) {
    pairs[i] = logits ? 0.f : 1.f - scores[i];
    pairs[count + i] = scores[i];
  }
  return pairs.data();
}

inline ScoreFunction paired_function(ScoreFunction function) {
  return function == ScoreFunction::sigmoid ? ScoreFunction::softmax : function;
}

}  // namespace edgecv
