// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace edgecv {

/// Takes `count` blocks of 64 bytes into the state.
using Sha256Blocks = void (*)(std::uint32_t state[8], const std::uint8_t* blocks,
                              std::size_t count);

void sha256_blocks_portable(std::uint32_t state[8], const std::uint8_t* blocks, std::size_t count);

/// With the processor's SHA instructions; null where it has none.
Sha256Blocks sha256_blocks_native();

class Sha256 {
 public:
  /// The fastest way that the processor has.
  Sha256();
  explicit Sha256(Sha256Blocks blocks) : blocks_(blocks) {}

  void update(const void* data, std::size_t size);

  /// 64 lower-case hex digits of all the data so far; nothing may be added afterwards.
  std::string hex_digest();

 private:
  Sha256Blocks blocks_;
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> rest_{};  // the last, incomplete block
  std::uint64_t bytes_ = 0;
};

}  // namespace edgecv
