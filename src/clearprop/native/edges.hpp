// The bin of a number among edges.
#pragma once

namespace {

// How many of the inner ones of n + 1 rising edges are ≤ x: the bin that x lies in, the first and the
// last one without end; 0 for NaN.
template <class T>
inline int find_bin(const T* edges, int n, T x) {
  const T *inner = edges + 1, *first = inner;
  for (int left = n - 1; left > 0;) {
    const int half = (left + 1) / 2;
    first = first[half - 1] <= x ? first + half : first;
    left -= half;
  }
  return static_cast<int>(first - inner);
}

}  // namespace
