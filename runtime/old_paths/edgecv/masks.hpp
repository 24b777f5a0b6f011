// Moved: include "edgecv/masks/masks.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/masks/masks.hpp"
