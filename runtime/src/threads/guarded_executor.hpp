// An application's executor, held to what loops need of it.
#pragma once

#include <memory>

#include "edgecv/threads/executor.hpp"

namespace edgecv {

/// The library's own executors as they are; another in a guard: bodies throw nothing into it, the
/// pieces of a loop are those of a ThreadPool however it divides them, and what it throws or leaves
/// out is an Error. Throws Error (invalid_input) for null, and if it has no thread.
std::shared_ptr<Executor> guarded(std::shared_ptr<Executor> executor);

}  // namespace edgecv
