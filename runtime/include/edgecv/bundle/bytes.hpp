// A range of bytes in memory.
//
//   auto content = std::make_shared<std::vector<char>>(1000);
//   const edgecv::Bytes bytes{content->data(), content->size(), content};
#pragma once

#include <cstddef>
#include <memory>

namespace edgecv {

struct Bytes {
  const void* data = nullptr;
  std::size_t size = 0;
  /// Keeps them alive; null: they outlive everything that is made of them.
  std::shared_ptr<const void> owner = nullptr;
};

}  // namespace edgecv
