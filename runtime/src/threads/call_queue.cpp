#include "edgecv/threads/call_queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "edgecv/log.hpp"

namespace edgecv {
namespace {

/// Runs what an application wrote.
template <typename Action>
void guarded(const Action& action) noexcept {
  try {
    action();
  } catch (const std::exception& thrown) {
    try {
      log(LogLevel::error, std::string("a callback failed: ") + thrown.what());
    } catch (...) {  // without memory for the line
    }
  } catch (...) {
    log(LogLevel::error, "a callback failed");
  }
}

void fail(CallQueue::Call& call) noexcept {
  guarded([&] { call.fail(Error(ErrorCode::canceled, "the call was cancelled before it began")); });
}

}  // namespace

struct CallQueue::State {
  std::size_t most_waiting = 0;
  std::thread thread;
  std::mutex mutex;  // guards what follows
  std::condition_variable news;
  struct Waiting {
    std::uint64_t number;
    std::shared_ptr<Call> call;
  };
  std::deque<Waiting> waiting;  // by rising number
  std::uint64_t added = 0;      // the last number
  std::uint64_t running = 0;    // the number of the call that runs; 0: none
  bool stop = false;

  bool own_thread() const { return std::this_thread::get_id() == thread.get_id(); }

  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      news.wait(lock, [this] { return stop || !waiting.empty(); });
      if (stop) return;
      std::shared_ptr<Call> call = std::move(waiting.front().call);
      running = waiting.front().number;
      waiting.pop_front();
      news.notify_all();
      lock.unlock();
      guarded([&] { call->run(); });
      call.reset();
      lock.lock();
      running = 0;
      news.notify_all();
    }
  }
};

CallQueue::Ticket::Ticket(std::weak_ptr<State> state, std::weak_ptr<Call> call)
    : state_(std::move(state)), call_(std::move(call)) {}

bool CallQueue::Ticket::cancel() {
  const std::shared_ptr<State> state = state_.lock();
  const std::shared_ptr<Call> call = call_.lock();
  if (!state || !call) return false;
  {
    const std::lock_guard<std::mutex> lock(state->mutex);
    const auto found = std::find_if(state->waiting.begin(), state->waiting.end(),
                                    [&](const auto& one) { return one.call == call; });
    if (found == state->waiting.end()) return false;
    state->waiting.erase(found);
  }
  state->news.notify_all();
  fail(*call);
  return true;
}

CallQueue::CallQueue(std::size_t most_waiting) : state_(std::make_shared<State>()) {
  if (most_waiting == 0) {
    throw Error(ErrorCode::invalid_input, "most_waiting: expected 1 or more, got 0");
  }
  state_->most_waiting = most_waiting;
  try {
    const std::lock_guard<std::mutex> lock(state_->mutex);  // until `thread` is known
    state_->thread = std::thread([state = state_] { state->work(); });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::system,
                std::string("this machine starts no more threads (") + error.what() + ")");
  }
}

CallQueue::~CallQueue() {
  std::deque<State::Waiting> dropped;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop = true;
    dropped.swap(state_->waiting);
  }
  state_->news.notify_all();
  for (const State::Waiting& one : dropped) fail(*one.call);
  if (state_->own_thread()) {
    state_->thread.detach();
  } else {
    state_->thread.join();
  }
}

CallQueue::Ticket CallQueue::add(std::shared_ptr<Call> call) {
  // The call's own callback may destroy this object before add() returns.
  const std::shared_ptr<State> state = state_;
  Ticket ticket(state, call);
  {
    std::unique_lock<std::mutex> lock(state->mutex);
    const auto room = [&] { return state->waiting.size() < state->most_waiting; };
    if (!room() && state->own_thread()) {
      throw Error(ErrorCode::invalid_input,
                  "submit: " + std::to_string(state->most_waiting) +
                      " calls wait, and a callback cannot wait for them: submit elsewhere, or "
                      "with a larger most_waiting");
    }
    state->news.wait(lock, room);
    state->waiting.push_back({state->added + 1, std::move(call)});
    ++state->added;
  }
  state->news.notify_all();
  return ticket;
}

void CallQueue::wait() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  if (state_->own_thread()) {
    throw Error(ErrorCode::invalid_input, "wait: a callback would wait for itself");
  }
  const std::uint64_t last = state_->added;
  state_->news.wait(lock, [&] {
    const auto& waiting = state_->waiting;
    return (waiting.empty() || waiting.front().number > last) &&
           (state_->running == 0 || state_->running > last);
  });
}

}  // namespace edgecv
