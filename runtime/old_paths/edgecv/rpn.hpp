// Moved: include "edgecv/detection/rpn.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/detection/rpn.hpp"
