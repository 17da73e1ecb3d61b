// The micro-kernel of the products in bfloat16: C (MR × NV vectors of 16) = init + Σ_k A[r, k]·B[k, :],
// where a step k is a pair of terms, multiplied and added in float32 by one instruction.
#pragma once

#include "simd.hpp"

namespace {

// Words hold pairs. k runs over `outer` blocks of `inner` steps (the last of `last`); from one block
// to the next A goes on `a_block` further, B just goes on, a row of 32 words to a step.
struct Pairs {
  int outer, inner, last;
  const uint32_t* A;
  int64_t a_block;
  const uint32_t* B;
  // what comes next is brought into the cache along the way, a few lines at a time: words of the
  // next A, and lines of three arrays that will be changed
  const uint32_t* next = nullptr;
  int next_lines = 0;
  const float* change[3] = {};
  int change_lines = 0;
};

constexpr int kSteps = 8;  // between two looks ahead

// A[r, k] at r·ROW + k·STEP. Rows of C are 32 apart; with one vector the other is set to 0.
template <int MR, int NV, int ROW, int STEP>
__attribute__((noinline)) void pair_product(const Pairs& o, const float* init, float* C) {
  __m512 c[MR][NV];
#pragma GCC unroll 8
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) c[r][v] = init ? _mm512_set1_ps(init[r]) : _mm512_setzero_ps();
  const uint32_t* b = o.B;
  const int looks = (o.outer - 1) * (o.inner / kSteps) + o.last / kSteps;
  const int next_a_look = looks > 0 ? (o.next_lines + looks - 1) / looks : 0;
  const int change_a_look = looks > 0 ? (o.change_lines + looks - 1) / looks : 0;
  int next = 0, change = 0;
  for (int block = 0; block < o.outer; ++block) {
    const uint32_t* a = o.A + block * o.a_block;
    const int n = block + 1 < o.outer ? o.inner : o.last;
    auto steps = [&](int count) __attribute__((always_inline)) {
#pragma GCC unroll 1
      for (int k = 0; k < count; ++k, a += STEP, b += 32) {
        __m512bh x[NV];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) x[v] = (__m512bh)_mm512_loadu_si512(b + 16 * v);
#pragma GCC unroll 8
        for (int r = 0; r < MR; ++r) {
          const __m512bh y = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[r * ROW]));
#pragma GCC unroll 2
          for (int v = 0; v < NV; ++v) c[r][v] = _mm512_dpbf16_ps(c[r][v], y, x[v]);
        }
      }
    };
    int k = 0;
    for (; (next < o.next_lines || change < o.change_lines) && k + kSteps <= n; k += kSteps) {
      for (int i = 0; i < next_a_look && next < o.next_lines; ++i, ++next)
        __builtin_prefetch(o.next + 16 * next, 0, 2);  // the second cache is near enough
      for (int i = 0; i < change_a_look && change < o.change_lines; ++i, ++change)
        for (int array = 0; array < 3; ++array)
          __builtin_prefetch(o.change[array] + 16 * change, 1);
      steps(kSteps);
    }
    steps(n - k);
  }
#pragma GCC unroll 8
  for (int r = 0; r < MR; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v)
      _mm512_storeu_ps(C + r * 32 + v * 16, v < NV ? c[r][v < NV ? v : 0] : _mm512_setzero_ps());
  }
}

using PairProduct = void (*)(const Pairs&, const float*, float*);

// The kernel for `rows` ≤ 8 rows of C, rounded up to an even number, and one or two vectors.
template <int ROW, int STEP>
PairProduct pair_product_for(int rows, bool two) {
  static constexpr PairProduct table[2][4] = {
      {pair_product<2, 1, ROW, STEP>, pair_product<4, 1, ROW, STEP>, pair_product<6, 1, ROW, STEP>,
       pair_product<8, 1, ROW, STEP>},
      {pair_product<2, 2, ROW, STEP>, pair_product<4, 2, ROW, STEP>, pair_product<6, 2, ROW, STEP>,
       pair_product<8, 2, ROW, STEP>}};
  return table[two][(rows - 1) / 2];
}

}  // namespace
