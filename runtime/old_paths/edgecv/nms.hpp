// Moved: include "edgecv/boxes/nms.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/boxes/nms.hpp"
