// From the logits of an image to its best classes.
//
//   const float logits[] = {1, 3, 2};
//   edgecv::Classification result = edgecv::classify({"logits"}, logits, 3);  // labels: 1, 2, 0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "edgecv/export.hpp"
#include "edgecv/scores/score_function.hpp"

namespace edgecv {

struct ClassifySpec {
  // [B, classes], float32; or [B, 1], a sigmoid or probability that decides between two labels, the
  // first of which is what is not
  std::string scores_output;
  ScoreFunction score_function = ScoreFunction::softmax;
  int topk = 5;  // classes that a result lists, or all where there are fewer
};

/// What an image shows.
struct Classification {
  std::vector<std::int64_t> labels;  // [k] by falling score; equal scores by rising label
  std::vector<float> scores;         // [k]
  std::vector<float> probabilities;  // [classes]: the scores of all
};

/// Scores of one image's logits [classes] and the best `topk` of them. With sigmoid and none the
/// scores need not add up to 1. `result`: an old one, whose memory is used again. Throws Error
/// (engine) if a logit is NaN or infinite.
EDGECV_API Classification classify(const ClassifySpec& spec, const float* logits, int classes,
                                   Classification result = {});

}  // namespace edgecv
