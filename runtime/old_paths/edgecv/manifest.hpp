// Moved: include "edgecv/bundle/manifest.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/bundle/manifest.hpp"
