// Moved: include "edgecv/image/input_spec.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/image/input_spec.hpp"
