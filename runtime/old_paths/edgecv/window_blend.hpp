// Moved: include "edgecv/segmentation/window_blend.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/segmentation/window_blend.hpp"
