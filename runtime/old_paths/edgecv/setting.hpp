// Moved: include "edgecv/threads/setting.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/threads/setting.hpp"
