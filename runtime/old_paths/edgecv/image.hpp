// Moved: include "edgecv/image/image.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/image/image.hpp"
