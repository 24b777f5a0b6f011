// Moved: include "edgecv/detection/detections.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/detections.hpp"
