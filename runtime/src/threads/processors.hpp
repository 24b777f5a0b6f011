// The processors that this process may use.
#pragma once

namespace edgecv {

int usable_processors();

}  // namespace edgecv
