#include "bundle/sha256.hpp"

#include <algorithm>

#include "bundle/sha256_rounds.hpp"

namespace edgecv {
namespace {

constexpr std::uint32_t rotate_right(std::uint32_t value, int bits) {
  return (value >> bits) | (value << (32 - bits));
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

}  // namespace

void sha256_blocks_portable(std::uint32_t state[8], const std::uint8_t* blocks, std::size_t count) {
  for (; count > 0; --count, blocks += 64) {
    std::uint32_t w[64];
    for (int t = 0; t < 16; ++t) w[t] = big_endian(blocks + 4 * t);
    for (int t = 16; t < 64; ++t) {
      const std::uint32_t s0 =
          rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ (w[t - 15] >> 3);
      const std::uint32_t s1 =
          rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ (w[t - 2] >> 10);
      w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    std::uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; ++t) {
      const std::uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
      const std::uint32_t choice = (e & f) ^ (~e & g);
      const std::uint32_t t1 = h + sum1 + choice + kRound[t] + w[t];
      const std::uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
      const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + sum0 + majority;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

#if !defined(EDGECV_SHA256_NATIVE)
Sha256Blocks sha256_blocks_native() { return nullptr; }
#endif

Sha256::Sha256() : blocks_(sha256_blocks_native()) {
  if (!blocks_) blocks_ = sha256_blocks_portable;
}

void Sha256::update(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  const std::size_t held = bytes_ % 64;
  bytes_ += size;
  if (held > 0) {
    const std::size_t taken = std::min(size, 64 - held);
    std::copy_n(bytes, taken, rest_.begin() + static_cast<std::ptrdiff_t>(held));
    bytes += taken;
    size -= taken;
    if (held + taken < 64) return;
    blocks_(state_.data(), rest_.data(), 1);
  }
  blocks_(state_.data(), bytes, size / 64);
  std::copy_n(bytes + size / 64 * 64, size % 64, rest_.begin());
}

std::string Sha256::hex_digest() {
  const std::uint64_t bits = bytes_ * 8;
  std::uint8_t padding[72] = {0x80};
  const std::size_t zeros_end = (bytes_ % 64 < 56 ? 56 : 120) - bytes_ % 64;
  for (std::size_t i = 0; i < 8; ++i) {
    padding[zeros_end + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  }
  update(padding, zeros_end + 8);

  std::string digest;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) digest += "0123456789abcdef"[word >> shift & 15];
  }
  return digest;
}

}  // namespace edgecv
