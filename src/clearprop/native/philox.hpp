// Philox4x64-10 as NumPy has it: random bits as a function of key and counter alone; several blocks
// side by side in vectors.
// Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
#pragma once

#include "simd.hpp"

namespace {

typedef uint64_t Words __attribute__((vector_size(kBytes)));
constexpr int kWords = kBytes / 8;  // lanes

// Products of the lower halves of the lanes
CP_INLINE Words multiply_low_halves(Words a, Words b) {
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_mul_epu32(0xFF, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

struct WideProduct {
  Words high, low;
};

// The 128 bits of m · x, from four products of 32 bits
CP_INLINE WideProduct multiply(uint64_t m, Words x) {
  constexpr uint64_t half = 0xFFFFFFFFu;
  const Words low = Words{} + (m & half), high = Words{} + (m >> 32), x_high = x >> 32;
  const Words ll = multiply_low_halves(x, low), lh = multiply_low_halves(x, high);
  const Words hl = multiply_low_halves(x_high, low), hh = multiply_low_halves(x_high, high);
  const Words middle = hl + (ll >> 32);  // these sums do not overflow
  const Words carry = lh + (middle & half);
  return {hh + (middle >> 32) + (carry >> 32), (carry << 32) | (ll & half)};
}

class Philox {
 public:
  // stream: the second word of the counter; the third and the fourth are 0
  Philox(uint64_t key0, uint64_t key1, uint64_t stream)
      : key0_(key0), key1_(key1), first_(key0 ^ stream) {}

  // The blocks with these numbers, one to a lane
  CP_INLINE void blocks(Words number, Words (&out)[4]) const {
    constexpr uint64_t m0 = 0xD2E7470EE14C6C93u, m1 = 0xCA5A826395121157u;
    constexpr uint64_t step0 = 0x9E3779B97F4A7C15u, step1 = 0xBB67AE8584CAA73Bu;
    // the first round, half of which is known, and the half of the second that follows from it
    const WideProduct p = multiply(m0, number);
    const WideProduct p0 = multiply(m0, Words{} + first_), p1 = multiply(m1, p.high ^ key1_);
    uint64_t k0 = key0_ + step0, k1 = key1_ + step1;
    Words c0 = p1.high ^ k0, c1 = p1.low, c2 = p0.high ^ p.low ^ k1, c3 = p0.low;
#pragma GCC unroll 8
    for (int round = 2; round < 10; ++round) {
      k0 += step0, k1 += step1;
      const WideProduct q0 = multiply(m0, c0), q1 = multiply(m1, c2);
      c0 = q1.high ^ c1 ^ k0;
      c1 = q1.low;
      c2 = q0.high ^ c3 ^ k1;
      c3 = q0.low;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
  }

 private:
  uint64_t key0_, key1_, first_;
};

}  // namespace
