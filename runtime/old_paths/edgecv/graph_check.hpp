// Moved: include "edgecv/bundle/graph_check.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/bundle/graph_check.hpp"
