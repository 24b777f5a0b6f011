// Moved: include "edgecv/detection/two_stage_detector.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/two_stage_detector.hpp"
