// Moved: include "edgecv/segmentation/segment.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/segmentation/segment.hpp"
