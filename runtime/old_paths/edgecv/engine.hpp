// Moved: include "edgecv/engine/engine.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/engine/engine.hpp"
