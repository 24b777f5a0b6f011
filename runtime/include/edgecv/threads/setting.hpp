// A value that one thread changes while others read it.
//
//   edgecv::Setting<int> limit(3);
//   limit.set(4);
//   const int now = limit.get();
#pragma once

#include <mutex>
#include <utility>

namespace edgecv {

template <typename T>
class Setting {
 public:
  Setting() = default;
  explicit Setting(T value) : value_(std::move(value)) {}
  Setting(const Setting& other) : value_(other.get()) {}
  Setting& operator=(const Setting& other) {
    set(other.get());
    return *this;
  }

  /// Nobody else may use `other` meanwhile.
  Setting(Setting&& other) noexcept : value_(std::move(other.value_)) {}
  Setting& operator=(Setting&& other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }

  T get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return value_;
  }

  void set(T value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::swap(value_, value);
  }

  /// Calls change(value) on a copy, which then takes the value's place; nobody else sets it
  /// meanwhile. What `change` throws leaves it as it was.
  template <typename Change>
  void change(const Change& change) {
    const std::lock_guard<std::mutex> lock(mutex_);
    T value = value_;
    change(value);
    std::swap(value_, value);
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace edgecv
