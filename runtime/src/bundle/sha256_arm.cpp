// SHA-256 with the instructions of ARMv8 processors: every Jetson, most of the others.
#include "bundle/sha256_rounds.hpp"

#if EDGECV_SHA256_ARM

// Before version 16 clang's header has the instructions only where all of the file may use them.
#if defined(__clang__) && __clang_major__ < 16 && !defined(__ARM_FEATURE_SHA2)
#define __ARM_FEATURE_SHA2 1
#define __ARM_FEATURE_CRYPTO 1
#endif
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#include "bundle/sha256.hpp"

#if defined(__clang__)
#define EDGECV_TARGET_SHA __attribute__((target("sha2")))
#else
#define EDGECV_TARGET_SHA __attribute__((target("+crypto")))
#endif

namespace edgecv {
namespace {

bool has_sha_instructions() {
#if defined(__APPLE__)
  return true;  // all of its processors of 64 bits
#elif defined(__linux__)
  constexpr unsigned long sha2 = 1u << 6;  // HWCAP_SHA2, the same in glibc, musl and Android
  return (getauxval(AT_HWCAP) & sha2) != 0;
#else
  return false;
#endif
}

EDGECV_TARGET_SHA void sha256_blocks_sha(std::uint32_t state[8], const std::uint8_t* blocks,
                                         std::size_t count) {
  uint32x4_t abcd = vld1q_u32(state);
  uint32x4_t efgh = vld1q_u32(state + 4);
  for (; count > 0; --count, blocks += 64) {
    const uint32x4_t abcd_before = abcd;
    const uint32x4_t efgh_before = efgh;
    uint32x4_t w[4];  // the last 16 words of the message schedule
    for (int four = 0; four < 4; ++four) {
      w[four] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * four)));
    }
    for (int four = 0; four < 16; ++four) {
      uint32x4_t& next = w[four % 4];
      const uint32x4_t wk = vaddq_u32(next, vld1q_u32(kRound + 4 * four));
      if (four < 12) {
        next = vsha256su1q_u32(vsha256su0q_u32(next, w[(four + 1) % 4]), w[(four + 2) % 4],
                               w[(four + 3) % 4]);
      }
      const uint32x4_t abcd_now = abcd;
      abcd = vsha256hq_u32(abcd, efgh, wk);
      efgh = vsha256h2q_u32(efgh, abcd_now, wk);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}

}  // namespace

Sha256Blocks sha256_blocks_native() {
  static const bool supported = has_sha_instructions();
  return supported ? sha256_blocks_sha : nullptr;
}

}  // namespace edgecv

#endif
