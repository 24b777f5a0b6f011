// Moved: include "edgecv/engine/timing.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/engine/timing.hpp"
