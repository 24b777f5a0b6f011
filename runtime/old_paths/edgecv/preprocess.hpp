// Moved: include "edgecv/image/preprocess.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/image/preprocess.hpp"
