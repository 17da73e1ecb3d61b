// Rounding to bfloat16, and moving pairs of such numbers about. A word holds two neighbours along
// the sum of a product, the first in the lower half.
#pragma once

#include "transpose.hpp"

namespace {

// 32 floats, rounded to the nearest bfloat16, ties to even; denormals to 0, NaN stays NaN.
CP_INLINE __m512i round_row(__m512 first, __m512 second) {
  return (__m512i)_mm512_cvtne2ps_pbh(second, first);
}
CP_INLINE __m512i round_row(const float* row) {
  return round_row(_mm512_loadu_ps(row), _mm512_loadu_ps(row + 16));
}

struct Two {
  __m512i first, second;
};

struct Shuffles {
  alignas(64) uint16_t zip[2][32], unzip[2][32];
  constexpr Shuffles() : zip{}, unzip{} {
    for (int i = 0; i < 16; ++i)
      for (int half = 0; half < 2; ++half) {
        zip[half][2 * i] = static_cast<uint16_t>(16 * half + i);
        zip[half][2 * i + 1] = static_cast<uint16_t>(32 + 16 * half + i);
        unzip[half][i] = static_cast<uint16_t>(2 * i + half);
        unzip[half][16 + i] = static_cast<uint16_t>(32 + 2 * i + half);
      }
  }
};
constexpr Shuffles kShuffles;

CP_INLINE Two shuffle(__m512i a, __m512i b, const uint16_t (&index)[2][32]) {
  return {_mm512_permutex2var_epi16(a, _mm512_load_si512(index[0]), b),
          _mm512_permutex2var_epi16(a, _mm512_load_si512(index[1]), b)};
}
// rows a and b to words (a₀, b₀), (a₁, b₁), …
CP_INLINE Two zip(__m512i a, __m512i b) { return shuffle(a, b, kShuffles.zip); }
// and back
CP_INLINE Two unzip(__m512i a, __m512i b) { return shuffle(a, b, kShuffles.unzip); }

// The first and the second numbers of 16 words, as floats.
CP_INLINE Vec<float> lower(__m512i words) { return (Vec<float>)_mm512_slli_epi32(words, 16); }
CP_INLINE Vec<float> upper(__m512i words) {
  return (Vec<float>)_mm512_and_si512(words, _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
}

CP_INLINE void store_words(uint32_t* to, __m512i words) { _mm512_storeu_si512(to, words); }
CP_INLINE __m512i load_words(const uint32_t* from) { return _mm512_loadu_si512(from); }

// 16 rows of 16 words, turned.
CP_INLINE void turn(Vec<float> (&rows)[16]) { transpose_stage<float, 8>(rows); }

// Stores one half of 16 words.
template <int half>
CP_INLINE void store_half(uint32_t* to, __m512i words) {
  using Words = IVec<float>;
  const auto part = __builtin_shufflevector((Words)words, (Words)words, 8 * half, 8 * half + 1,
                                            8 * half + 2, 8 * half + 3, 8 * half + 4, 8 * half + 5,
                                            8 * half + 6, 8 * half + 7);
  memcpy(to, &part, sizeof part);
}

// 8 rows of 16 words to steps of 8 words: to[k][r] = word k of row r.
CP_INLINE void by_steps(const __m512i (&rows)[8], uint32_t* to) {
  Vec<float> row[8];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) row[r] = (Vec<float>)rows[r];
  transpose_stage<float, 4>(row);
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) {
    store_half<0>(to + 8 * k, (__m512i)row[k]);
    store_half<1>(to + 8 * (k + 8), (__m512i)row[k]);
  }
}

}  // namespace
