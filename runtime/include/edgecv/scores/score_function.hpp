// How the raw outputs of a network become scores.
//
//   edgecv::ClassifySpec spec;
//   spec.score_function = edgecv::ScoreFunction::sigmoid;
#pragma once

namespace edgecv {

enum class ScoreFunction {
  softmax,  // over the classes
  sigmoid,  // of each class by itself
  none,     // they are scores already
};

}  // namespace edgecv
