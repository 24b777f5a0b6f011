// Moved: include "edgecv/classification/classifier.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/classification/classifier.hpp"
