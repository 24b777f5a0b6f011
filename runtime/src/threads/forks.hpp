// Whether a process was forked since something was made.
#pragma once

namespace edgecv {

/// The forks on the way to this process, from the first call in any of its ancestors on. Threads,
/// and the locks that they held, did not come along.
int fork_count();

}  // namespace edgecv
