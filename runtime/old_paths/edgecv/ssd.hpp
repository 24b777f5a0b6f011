// Moved: include "edgecv/detection/ssd.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/ssd.hpp"
