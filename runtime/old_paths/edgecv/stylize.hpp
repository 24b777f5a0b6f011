// Moved: include "edgecv/style/stylize.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/style/stylize.hpp"
