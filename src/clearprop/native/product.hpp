// The one micro-kernel behind every matrix product: C (MR × NV vectors) = init + Σ_k A[r, k]·B[k, :],
// the sum times a gain, and relu or its derivative, the most frequent activation, while C is in registers.
#pragma once

#include "updates.hpp"

namespace {

// k runs over `outer` blocks of `inner` steps (the last of `last`), so that a panel layout can be
// walked as well as a plain matrix.
template <class T>
struct Operands {
  int outer, inner, last;
  const T* A;
  int64_t row, step, a_block;  // A[r, k]: r·row + (block)·a_block + (k in the block)·step
  const T* B;
  int64_t b_step, b_block;
  // rows of up to three arrays that will be needed next: brought into the second cache along the way (the
  // first is full of the operands), a few lines at a time: a burst would hold up the product's own loads
  const T* ahead[3] = {};
  int64_t ahead_row = 0;
  int ahead_rows = 0, ahead_lines = 0;
  Updates<T>* updates = nullptr;  // made along the way, for the same reason
  T gain = T(1);                  // C = init + gain · Σ …
  bool relu = false;              // C ← max(C, 0)
  const T* gate = nullptr;        // C ← C where gate > 0, else 0; laid out as C
};

constexpr int kChunk = 8;  // steps between two looks ahead

template <class T, int MR, int NV, bool updating>
__attribute__((noinline)) void product(const Operands<T>& o, const T* init, T* C, int64_t ldc) {
  using V = Vec<T>;
  constexpr int W = Simd<T>::W;
  V c[MR][NV];
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) c[r][v] = init && o.gain == T(1) ? all<T>(init[r]) : V{};
  const int64_t row = o.row, step = o.step, b_step = o.b_step;
  const int chunks = (o.outer - 1) * (o.inner / kChunk) + o.last / kChunk;
  const int rows_a_chunk = o.ahead_rows > 0 && chunks > 0 ? (o.ahead_rows + chunks - 1) / chunks
                                                          : 0;
  if constexpr (updating) o.updates->spread(chunks);
  int64_t ahead = 0, end = o.ahead_rows * o.ahead_row;
  for (int block = 0; block < o.outer; ++block) {
    const T* a_rows[(MR + 2) / 3];  // every third row: few registers, short addresses
#pragma GCC unroll 4
    for (int q = 0; q < (MR + 2) / 3; ++q) a_rows[q] = o.A + block * o.a_block + 3 * q * row;
    const T* b = o.B + block * o.b_block;
    const int n = block + 1 < o.outer ? o.inner : o.last;
    auto steps = [&](int count) __attribute__((always_inline)) {
      for (int k = 0; k < count; ++k, b += b_step) {
        V x[NV];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) x[v] = load<T>(b + v * W);
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r) {
          const V y = all<T>(a_rows[r / 3][r % 3 * row]);
#pragma GCC unroll 2
          for (int v = 0; v < NV; ++v) c[r][v] += y * x[v];
        }
#pragma GCC unroll 4
        for (int q = 0; q < (MR + 2) / 3; ++q) a_rows[q] += step;
      }
    };
    if (ahead == end && !updating) {
      steps(n);
      continue;
    }
    int k = 0;
    for (; k + kChunk <= n; k += kChunk) {
      if constexpr (updating) o.updates->some();
      for (int i = 0; i < rows_a_chunk && ahead < end; ++i, ahead += o.ahead_row)
        for (int line = 0; line < o.ahead_lines; ++line) {
          constexpr int size = 64 / sizeof(T);
          __builtin_prefetch(o.ahead[0] + ahead + line * size, 0, 2);
          __builtin_prefetch(o.ahead[1] + ahead + line * size, 0, 2);
          __builtin_prefetch(o.ahead[2] + ahead + line * size, 0, 2);
        }
      steps(kChunk);
    }
    steps(n - k);
  }
  if (o.gain != T(1)) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) c[r][v] = c[r][v] * o.gain + (init ? all<T>(init[r]) : V{});
  }
  auto each = [&](auto&& f) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) store<T>(C + r * ldc + v * W, f(c[r][v], r * ldc + v * W));
  };
  if (o.relu)
    each([](V x, int64_t) { return vmax<V>(x, V{}); });
  else if (o.gate)
    each([&](V x, int64_t at) { return load<T>(o.gate + at) > T(0) ? x : V{}; });
  else
    each([](V x, int64_t) { return x; });
}

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRows = 12;      // 24 of 32 registers accumulate
constexpr bool kShade = true;  // and some are left for updates
#else
constexpr int kRows = 6;  // 12 of 16
constexpr bool kShade = false;
#endif

template <class T>
using Product = void (*)(const Operands<T>&, const T*, T*, int64_t);

// The kernel for `rows` ≤ kRows rows of C and one or two vectors of columns.
template <class T, bool updating>
struct Products {
  Product<T> table[2][kRows + 1];
  constexpr Products() : table{} { fill<kRows>(); }
  template <int R>
  constexpr void fill() {
    table[0][R] = product<T, R, 1, updating>;
    table[1][R] = product<T, R, 2, updating>;
    if constexpr (R > 1) fill<R - 1>();
  }
};
template <class T, bool updating = false>
constexpr Products<T, updating> kProducts{};

}  // namespace
