// Moved: include "edgecv/classification/classify.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/classification/classify.hpp"
