// Moved: include "edgecv/detection/rcnn.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/rcnn.hpp"
