// Transposing blocks of W × W in registers.
#pragma once

#include "simd.hpp"

namespace {

// Interleaves blocks of S lanes of a and b: the first or the second half of each pair of blocks.
template <int W, int S, bool second>
constexpr int shuffle_index(int i) {
  const int block = i / S, lane = i % S, pair = block / 2 * 2;
  return (block % 2 ? W : 0) + (pair + (second ? 1 : 0)) * S + lane;
}

template <class T, int S, bool second, int... I>
CP_INLINE Vec<T> blend(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, shuffle_index<Simd<T>::W, S, second>(I)...);
}

// Rows N lanes long, N of them: turned. With N < W, each N lanes of the rows on their own.
template <class T, int S, int N>
CP_INLINE void transpose_stage(Vec<T> (&row)[N]) {
  using Lanes = std::make_integer_sequence<int, Simd<T>::W>;
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) {
    if (i & S) continue;
    const Vec<T> a = row[i], b = row[i + S];
    row[i] = blend<T, S, false>(a, b, Lanes{});
    row[i + S] = blend<T, S, true>(a, b, Lanes{});
  }
  if constexpr (S > 1) transpose_stage<T, S / 2>(row);
}

template <class T>
CP_INLINE void transpose_stages(Vec<T> (&row)[Simd<T>::W], T* out, int64_t out_ld) {
  constexpr int W = Simd<T>::W;
  transpose_stage<T, W / 2>(row);
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) store<T>(out + i * out_ld, row[i]);
}

// out[j][i] = in[i][j] for a block of W × W; rows `ld` apart.
template <class T>
CP_INLINE void transpose(const T* in, int64_t in_ld, T* out, int64_t out_ld) {
  constexpr int W = Simd<T>::W;
  Vec<T> row[W];
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) row[i] = load<T>(in + i * in_ld);
  transpose_stages<T>(row, out, out_ld);
}

// The same for W rows that lie anywhere, from their entry `j` on; 0 for what a row, which has `n`
// entries from there, or a missing row lacks.
template <class T>
CP_INLINE void transpose_rows(const T* const* in, int j, int n, T* out, int64_t out_ld) {
  constexpr int W = Simd<T>::W;
  Vec<T> row[W];
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i)
    row[i] = !in[i] ? Vec<T>{} : n >= W ? load<T>(in[i] + j) : load_first<T>(in[i] + j, n);
  transpose_stages<T>(row, out, out_ld);
}

}  // namespace
