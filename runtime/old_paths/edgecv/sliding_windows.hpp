// Moved: include "edgecv/image/sliding_windows.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/image/sliding_windows.hpp"
