// How the raw outputs of a network become scores.
#pragma once

namespace edgecv {

enum class ScoreFunction {
  softmax,  // over the classes
  sigmoid,  // of each class by itself
  none,     // they are scores already
};

}  // namespace edgecv
