// Moved: include "edgecv/style/stylizer.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/style/stylizer.hpp"
