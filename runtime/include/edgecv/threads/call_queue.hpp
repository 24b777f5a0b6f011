// Calls that one thread makes, one after another.
//
//   struct Hello : edgecv::CallQueue::Call {
//     void run() override { std::puts("hello"); }
//     void fail(const edgecv::Error& error) override { std::puts(error.what()); }
//   };
//   edgecv::CallQueue queue(4);
//   edgecv::CallQueue::Ticket ticket = queue.add(std::make_shared<Hello>());
//   if (!ticket.cancel()) queue.wait();
#pragma once

#include <cstddef>
#include <memory>

#include "edgecv/error.hpp"
#include "edgecv/export.hpp"

namespace edgecv {

/// Any number of threads may use one object. The destructor cancels what has not begun and waits
/// for the call that runs; on the queue's own thread it does not wait.
class EDGECV_API CallQueue {
 public:
  /// Either is called once, without a lock held; what they throw goes to the log.
  class Call {
   public:
    virtual ~Call() = default;
    virtual void run() = 0;
    /// In place of run(): it was cancelled, by whichever thread.
    virtual void fail(const Error& error) = 0;
  };

 private:
  struct State;

 public:
  /// A call that was added.
  class EDGECV_API Ticket {
   public:
    Ticket() = default;
    /// True if the call had not begun; fail() was called then.
    bool cancel();

   private:
    friend class CallQueue;
    Ticket(std::weak_ptr<State> state, std::weak_ptr<Call> call);
    std::weak_ptr<State> state_;
    std::weak_ptr<Call> call_;
  };

  /// Throws Error: invalid_input if `most_waiting` is 0, system if the machine starts no thread.
  explicit CallQueue(std::size_t most_waiting);
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  /// Waits while `most_waiting` calls have not begun. Throws Error (invalid_input) where it would
  /// wait for ever: on the queue's own thread.
  Ticket add(std::shared_ptr<Call> call);

  /// Returns when all that was added before has ended. Throws Error (invalid_input) on the queue's
  /// own thread.
  void wait();

 private:
  std::shared_ptr<State> state_;
};

}  // namespace edgecv
