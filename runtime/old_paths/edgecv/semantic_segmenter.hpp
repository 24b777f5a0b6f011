// Moved: include "edgecv/segmentation/semantic_segmenter.hpp" instead. This path goes with edgecv
// 0.2.
#pragma once

#include "edgecv/segmentation/semantic_segmenter.hpp"
