// Moved: include "edgecv/threads/thread_pool.hpp" instead. This path goes with edgecv 0.2.
#pragma once

#include "edgecv/threads/thread_pool.hpp"
