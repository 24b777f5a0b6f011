// Moved: include "edgecv/detection/box_head.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/box_head.hpp"
