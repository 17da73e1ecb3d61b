// The bins of numbers among edges.
#pragma once

#include <cstdint>

namespace {

// How many of the inner ones of n + 1 rising edges are ≤ x, for each of N numbers x: the bin that it
// lies in, the first and the last one without end; 0 for NaN. All N searches take the same steps, side
// by side and without branches, which would be guessed wrong half of the time.
template <int N, class T>
inline void find_bins(const T* edges, int n, const T* x, int32_t* bins) {
  int64_t found[N] = {};
  for (int64_t left = n - 1; left > 0;) {
    const int64_t half = (left + 1) / 2;
    for (int i = 0; i < N; ++i) found[i] += half & -int64_t(edges[half + found[i]] <= x[i]);
    left -= half;
  }
  for (int i = 0; i < N; ++i) bins[i] = int32_t(found[i]);
}

}  // namespace
