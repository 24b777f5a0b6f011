// Moved: include "edgecv/bundle/bundle.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/bundle/bundle.hpp"
