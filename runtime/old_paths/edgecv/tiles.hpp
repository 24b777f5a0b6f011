// Moved: include "edgecv/detection/tiles.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/tiles.hpp"
