// Moved: include "edgecv/bundle/hashed_file.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/bundle/hashed_file.hpp"
