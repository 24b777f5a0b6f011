// Moved: include "edgecv/boxes/grid_anchors.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/boxes/grid_anchors.hpp"
