#include "edgecv/log.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace edgecv {
namespace {

using Callback = std::function<void(LogLevel, const std::string&)>;

struct Listener {
  std::mutex mutex;
  std::shared_ptr<const Callback> callback;
};

Listener& listener() {
  static Listener* const one = new Listener;  // never destroyed: threads may speak to the end
  return *one;
}

}  // namespace

void set_log(Callback callback) {
  std::shared_ptr<const Callback> next;
  if (callback) next = std::make_shared<const Callback>(std::move(callback));
  Listener& one = listener();
  const std::lock_guard<std::mutex> lock(one.mutex);
  one.callback.swap(next);
}

void log(LogLevel level, const std::string& line) noexcept {
  try {
    std::shared_ptr<const Callback> callback;
    {
      Listener& one = listener();
      const std::lock_guard<std::mutex> lock(one.mutex);
      callback = one.callback;
    }
    if (callback) (*callback)(level, line);
  } catch (...) {  // an application's own; there is nobody to tell
  }
}

}  // namespace edgecv
