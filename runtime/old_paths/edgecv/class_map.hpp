// Moved: include "edgecv/segmentation/class_map.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/segmentation/class_map.hpp"
