// Calls that are made on a thread of their own.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "model_doubles.hpp"
#include "refusal.hpp"

using namespace edgecv;
using namespace edgecv::testing;

namespace {

/// Gives the image's height, says what ran, and waits at a gate.
struct Slow {
  struct Shared {
    std::promise<void> open;
    std::shared_future<void> gate = open.get_future().share();
    std::atomic<int> begun{0};
    std::mutex mutex;
    std::vector<int> order;
  };

  int operator()(const Image& image) {
    ++shared->begun;
    shared->gate.wait();
    const std::lock_guard<std::mutex> lock(shared->mutex);
    shared->order.push_back(image.height);
    if (image.height == 13) throw Error(ErrorCode::engine, "thirteen");
    return image.height;
  }

  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

Image numbered(int number) {
  Image image;
  image.height = number;
  return image;
}

void wait_for(const std::atomic<int>& count, int wanted) {
  while (count < wanted) std::this_thread::yield();
}

template <typename Result>
std::string canceled(std::future<Result>& future) {
  return refusal(ErrorCode::canceled, [&] { future.get(); });
}

const std::string said_when_canceled = "the call was cancelled before it began";

}  // namespace

TEST_CASE("submit: futures get results and exceptions, in the order of submit") {
  Slow slow;
  Submitter<Slow> submitter(slow);
  std::vector<Submitter<Slow>::Submitted> calls;
  for (const int number : {3, 13, 5}) calls.push_back(submitter.submit(numbered(number)));
  slow.shared->open.set_value();
  CHECK(calls[0].result.get() == 3);
  CHECK(refusal(ErrorCode::engine, [&] { calls[1].result.get(); }) == "thirteen");
  CHECK(calls[2].result.get() == 5);
  CHECK(slow.shared->order == std::vector<int>{3, 13, 5});
  CHECK(!calls[0].cancel());
}

TEST_CASE("submit: callbacks get what is ready, one after another") {
  Slow slow;
  slow.shared->open.set_value();
  std::vector<int> heard;  // by one thread
  Submitter<Slow> submitter(slow);
  for (int number = 1; number <= 40; ++number) {
    submitter.submit(numbered(number), [&](std::future<int> ready) {
      try {
        heard.push_back(ready.get());
      } catch (const Error&) {
        heard.push_back(-1);
      }
    });
  }
  submitter.wait();
  std::vector<int> expected;
  for (int number = 1; number <= 40; ++number) expected.push_back(number == 13 ? -1 : number);
  CHECK(heard == expected);
}

TEST_CASE("submit: what waits can be cancelled, what runs cannot") {
  Slow slow;
  Submitter<Slow> submitter(slow);
  auto first = submitter.submit(numbered(1));
  auto second = submitter.submit(numbered(2));
  std::string heard;
  auto third =
      submitter.submit(numbered(3), [&](std::future<int> ready) { heard = canceled(ready); });
  auto fourth = submitter.submit(numbered(4));
  wait_for(slow.shared->begun, 1);
  CHECK(!first.cancel());
  CHECK(second.cancel());
  CHECK(!second.cancel());
  CHECK(third.cancel());
  CHECK(heard == said_when_canceled);
  slow.shared->open.set_value();
  CHECK(first.result.get() == 1);
  CHECK(canceled(second.result) == said_when_canceled);
  CHECK(fourth.result.get() == 4);
  CHECK(slow.shared->order == std::vector<int>{1, 4});
  CHECK(!Submitter<Slow>::Submitted().cancel());
}

TEST_CASE("submit: the destructor cancels what waits and waits for what runs") {
  Slow slow;
  std::future<int> first, second;
  Submitter<Slow>::Submitted later;
  std::thread opener;
  {
    Submitter<Slow> submitter(slow);
    first = submitter.submit(numbered(1)).result;
    wait_for(slow.shared->begun, 1);
    second = submitter.submit(numbered(2)).result;
    later = submitter.submit(numbered(3));
    opener = std::thread([&] {
      second.wait();  // cancelled, and so the destructor has begun
      slow.shared->open.set_value();
    });
  }
  CHECK(first.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  CHECK(first.get() == 1);
  opener.join();
  CHECK(canceled(second) == said_when_canceled);
  CHECK(canceled(later.result) == said_when_canceled);
  CHECK(!later.cancel());
}

TEST_CASE("submit: no more wait than may, and a callback does not wait for itself") {
  Slow slow;
  Submitter<Slow> submitter(slow, 1);
  std::string full, waited;
  submitter.submit(numbered(1), [&](std::future<int>) {
    full = refusal(ErrorCode::invalid_input, [&] { submitter.submit(numbered(9)); });
    waited = refusal(ErrorCode::invalid_input, [&] { submitter.wait(); });
  });
  wait_for(slow.shared->begun, 1);
  submitter.submit(numbered(2));
  std::atomic<int> through{0};
  std::thread third([&] {
    submitter.submit(numbered(3));
    ++through;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(through == 0);
  slow.shared->open.set_value();
  third.join();
  submitter.wait();
  CHECK(slow.shared->order == std::vector<int>{1, 2, 3});
  CHECK(full ==
        "submit: 1 calls wait, and a callback cannot wait for them: submit elsewhere, or with a "
        "larger most_waiting");
  CHECK(waited == "wait: a callback would wait for itself");
  CHECK(refusal(ErrorCode::invalid_input, [] { Submitter<Slow> none(Slow(), 0); }) ==
        "most_waiting: expected 1 or more, got 0");
  CHECK(refusal(ErrorCode::invalid_input, [&] {
          submitter.submit(numbered(1), Submitter<Slow>::Callback());
        }) == "submit: the callback is empty");
}

TEST_CASE("submit: an image's owner lives until its call has ended") {
  Slow slow;
  Submitter<Slow> submitter(slow);
  auto pixels = std::make_shared<const int>(5);
  const std::weak_ptr<const int> watched = pixels;
  auto call = submitter.submit(numbered(1), std::move(pixels));
  CHECK(!watched.expired());
  slow.shared->open.set_value();
  submitter.wait();
  CHECK(watched.expired());
}

TEST_CASE("submit: a callback may destroy what calls it") {
  Slow slow;
  slow.shared->open.set_value();
  std::promise<void> gone;
  auto submitter = std::make_unique<Submitter<Slow>>(slow);
  submitter->submit(numbered(1), [&](std::future<int>) {
    submitter.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  CHECK(slow.shared->order == std::vector<int>{1});
}

TEST_CASE("submit: models, from several threads") {
  const auto log = std::make_shared<Log>();
  Detector detector = make_detector(true, log);
  const Images images;
  std::vector<Bits> expected;
  for (const Image& image : images.images) expected.push_back(bits_of(detector(image)));
  Submitter<Detector> submitter(detector, 3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < images.images.size(); ++i) {
        auto call = submitter.submit(images.images[i]);
        if (i % 3 == 1 && call.cancel()) {
          wrong += canceled(call.result) != said_when_canceled;
        } else {
          wrong += bits_of(call.result.get()) != expected[i];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("log: lines reach the callback, and what it throws nobody") {
  std::mutex mutex;
  std::vector<std::pair<LogLevel, std::string>> lines;
  edgecv::log(LogLevel::info, "nobody listens");
  set_log([&](LogLevel level, const std::string& line) {
    const std::lock_guard<std::mutex> lock(mutex);
    lines.emplace_back(level, line);
  });
  edgecv::log(LogLevel::warning, "one");
  {
    Slow slow;
    slow.shared->open.set_value();
    Submitter<Slow> submitter(slow);
    submitter.submit(numbered(1), [](std::future<int>) { throw std::runtime_error("no disk"); });
    submitter.submit(numbered(1), [](std::future<int>) { throw 3; });
    submitter.wait();
  }
  set_log([](LogLevel, const std::string&) { throw std::runtime_error("no listener"); });
  edgecv::log(LogLevel::error, "lost");
  set_log(nullptr);
  edgecv::log(LogLevel::error, "nobody listens");
  CHECK(lines == std::vector<std::pair<LogLevel, std::string>>{
                     {LogLevel::warning, "one"},
                     {LogLevel::error, "a callback failed: no disk"},
                     {LogLevel::error, "a callback failed"}});
}
