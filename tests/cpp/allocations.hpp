// Memory that the code under test asks for: counted, and refused where a test says so.
#pragma once

#include <cstddef>

namespace edgecv::testing {

/// All threads' calls of operator new since the start, but for those within a pause.
struct Allocations {
  long count = 0;
  long bytes = 0;
};
Allocations allocations();

/// Blocks that were asked for and not given back yet, by all threads, pauses included.
long blocks_in_use();

/// This thread's allocation number `number`, from 0 on, throws std::bad_alloc; pauses do not count.
/// Until the object ends, or it has happened.
class FailingAllocation {
 public:
  explicit FailingAllocation(long number);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  bool happened() const;
};

/// What this thread asks for meanwhile is a test double's own.
class AllocationPause {
 public:
  AllocationPause();
  ~AllocationPause();
  AllocationPause(const AllocationPause&) = delete;
  AllocationPause& operator=(const AllocationPause&) = delete;
};

}  // namespace edgecv::testing
