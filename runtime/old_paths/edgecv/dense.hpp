// Moved: include "edgecv/detection/dense.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/dense.hpp"
