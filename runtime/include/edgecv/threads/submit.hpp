// A model whose calls are made on a thread of their own, one after another.
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");
//   std::shared_ptr<edgecv::Engine> engine;  // of the graph main
//   edgecv::Submitter<edgecv::Detector> detector(edgecv::Detector(bundle, engine));
//   auto first = detector.submit(edgecv::Image{});
//   auto second = detector.submit(edgecv::Image{}, [](std::future<edgecv::Detections> ready) {
//     const edgecv::Detections found = ready.get();  // throws what the call threw
//   });
//   second.cancel();
//   const edgecv::Detections found = first.result.get();
#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "edgecv/error.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/threads/call_queue.hpp"

namespace edgecv {

/// Calls begin in the order of submit() and end in it. Their loops run on the model's executor.
/// Any number of threads may submit. The destructor cancels what has not begun and waits for the
/// call that runs, and its callback.
template <typename Model>
class Submitter {
 public:
  using Result = decltype(std::declval<Model&>()(std::declval<const Image&>()));
  using Callback = std::function<void(std::future<Result> ready)>;

  /// What was submitted. Throwing it away cancels nothing.
  struct Submitted {
    std::future<Result> result;  // of submit() without a callback: what the call gave or threw
    CallQueue::Ticket ticket;

    /// True if the call had not begun: it never will, and its future or callback gets an Error
    /// (canceled). False where it runs or has ended.
    bool cancel() { return ticket.cancel(); }
  };

  /// `most_waiting`: submit() waits while so many calls have not begun. Throws Error: invalid_input
  /// if it is 0, system if the machine starts no thread.
  explicit Submitter(Model model, std::size_t most_waiting = 16)
      : model_(std::make_shared<Model>(std::move(model))), queue_(most_waiting) {}

  /// The image's memory must stay as it is until the call has ended; `owner`, if given, lives as
  /// long. Throws Error (invalid_input) from a callback of this object while the queue is full.
  Submitted submit(const Image& image, std::shared_ptr<const void> owner = nullptr) {
    auto call = std::make_shared<OneCall>(model_, image, std::move(owner), nullptr);
    std::future<Result> result = call->promise.get_future();
    return {std::move(result), queue_.add(std::move(call))};
  }

  /// The same for a callback, which the thread calls with what is ready to be got. What it throws
  /// goes to the log.
  Submitted submit(const Image& image, Callback callback,
                   std::shared_ptr<const void> owner = nullptr) {
    if (!callback) throw Error(ErrorCode::invalid_input, "submit: the callback is empty");
    return {std::future<Result>(), queue_.add(std::make_shared<OneCall>(
                                       model_, image, std::move(owner), std::move(callback)))};
  }

  /// Returns when all that was submitted before has ended.
  void wait() { queue_.wait(); }

  /// The model, for its settings: they hold for calls that have not begun.
  Model& model() { return *model_; }

 private:
  struct OneCall final : CallQueue::Call {
    OneCall(std::shared_ptr<Model> called, const Image& view, std::shared_ptr<const void> held,
            Callback whom)
        : model(std::move(called)),
          image(view),
          owner(std::move(held)),
          callback(std::move(whom)) {}

    void run() override {
      try {
        promise.set_value((*model)(image));
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
      tell();
    }

    void fail(const Error& error) override {
      promise.set_exception(std::make_exception_ptr(error));
      tell();
    }

    void tell() {
      owner.reset();
      if (callback) callback(promise.get_future());
    }

    std::shared_ptr<Model> model;
    Image image;
    std::shared_ptr<const void> owner;
    Callback callback;
    std::promise<Result> promise;
  };

  std::shared_ptr<Model> model_;
  CallQueue queue_;
};

}  // namespace edgecv
