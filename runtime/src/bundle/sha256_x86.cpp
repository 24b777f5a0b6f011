// SHA-256 with the instructions of x86-64 processors, since Goldmont and Zen.
#include "bundle/sha256.hpp"
#include "bundle/sha256_rounds.hpp"

#if EDGECV_SHA256_X86

#include <immintrin.h>
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#if defined(__GNUC__) || defined(__clang__)  // clang-cl wants it too
#define EDGECV_TARGET_SHA __attribute__((target("sha,sse4.1,ssse3")))
#else
#define EDGECV_TARGET_SHA
#endif

namespace edgecv {
namespace {

bool has_sha_instructions() {
  constexpr unsigned kSsse3 = 1u << 9, kSse41 = 1u << 19;  // leaf 1, ecx
  constexpr unsigned kSha = 1u << 29;                      // leaf 7, ebx
#if defined(_MSC_VER)
  int one[4], seven[4];
  __cpuid(one, 0);
  if (one[0] < 7) return false;
  __cpuid(one, 1);
  __cpuidex(seven, 7, 0);
  const unsigned features = one[2], extended = seven[1];
#else
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return false;
  const unsigned features = ecx;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return false;
  const unsigned extended = ebx;
#endif
  return (features & kSsse3) && (features & kSse41) && (extended & kSha);
}

// The instructions keep the state as the halves (a, b, e, f) and (c, d, g, h), and take two rounds
// at a time from the low half of w + k.
EDGECV_TARGET_SHA void sha256_blocks_sha(std::uint32_t state[8], const std::uint8_t* blocks,
                                         std::size_t count) {
  const __m128i to_big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
  const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

  for (; count > 0; --count, blocks += 64) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i w[4];  // the last 16 words of the message schedule
    for (int four = 0; four < 16; ++four) {
      __m128i& next = w[four % 4];
      if (four < 4) {
        next = _mm_shuffle_epi8(
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks + 16 * four)), to_big_endian);
      } else {
        const __m128i minus12 = w[(four + 1) % 4], minus8 = w[(four + 2) % 4],
                      minus4 = w[(four + 3) % 4];
        const __m128i minus7 = _mm_alignr_epi8(minus4, minus8, 4);
        next = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(next, minus12), minus7),
                                    minus4);
      }
      const __m128i wk =
          _mm_add_epi32(next, _mm_load_si128(reinterpret_cast<const __m128i*>(kRound + 4 * four)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }

  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace

Sha256Blocks sha256_blocks_native() {
  static const bool supported = has_sha_instructions();
  return supported ? sha256_blocks_sha : nullptr;
}

}  // namespace edgecv

#endif
