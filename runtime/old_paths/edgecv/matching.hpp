// Moved: include "edgecv/boxes/matching.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/boxes/matching.hpp"
