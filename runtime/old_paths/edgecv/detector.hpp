// Moved: include "edgecv/detection/detector.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/detector.hpp"
