#include "edgecv/version.hpp"

const char* edgecv_version() { return EDGECV_VERSION; }
