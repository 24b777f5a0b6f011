#include "edgecv/classification/classify.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "scores/finite.hpp"
#include "threads/recycled.hpp"

namespace edgecv {
namespace {

/// In double, so that a thousand classes add up.
void scores_of(ScoreFunction function, const float* logits, std::size_t classes,
               std::vector<float>& scores) {
  scores.assign(logits, logits + classes);
  if (function == ScoreFunction::sigmoid) {
    for (float& score : scores) score = static_cast<float>(1 / (1 + std::exp(-double{score})));
  } else if (function == ScoreFunction::softmax) {
    const double largest = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const float logit : scores) sum += std::exp(logit - largest);
    for (float& score : scores) score = static_cast<float>(std::exp(score - largest) / sum);
  }
}

}  // namespace

Classification classify(const ClassifySpec& spec, const float* logits, int classes,
                        Classification result) {
  const auto count = static_cast<std::size_t>(classes);
  require_finite(logits, count, spec.scores_output);
  scores_of(spec.score_function, logits, count, result.probabilities);

  Recycled<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const std::size_t kept = std::min(count, static_cast<std::size_t>(spec.topk));
  // By logit: scores of surely different logits may be rounded to one value.
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](std::int64_t a, std::int64_t b) {
                      return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
                    });
  result.labels.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept));
  result.scores.clear();
  for (const std::int64_t label : result.labels) {
    result.scores.push_back(result.probabilities[static_cast<std::size_t>(label)]);
  }
  return result;
}

}  // namespace edgecv
