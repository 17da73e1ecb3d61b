// What becomes of a block of ∂ℒ/∂W once it is there.
#pragma once

#include "optimizers.hpp"

namespace {

// What becomes of ∂ℒ/∂W: the sums of the penalty, then the update, or the gradient is kept.
template <class T>
struct Finish {
  const Step<T>& s;
  Scalars<T> c{s.update};
  IVec<T> largest{};
  Vec<T> sum_abs{}, sum_square{};  // of a few rows, added up in double before they lose digits
  int n_rows = 0;
  double total_abs = 0, total_square = 0;

  // m rows of `lanes` weights, the first at θ[at], the next `row` further on
  void weights(int64_t at, int64_t row, const T* tile, int64_t tile_row, int m, int lanes) {
    const bool penalty = c.l1 != T(0) || c.l2 != T(0);
    for (int r = 0; r < m; ++r, at += row, tile += tile_row) {
      if (penalty) {
        for (int v = 0; v < lanes; v += Simd<T>::W) {
          const Vec<T> w = load<T>(s.theta + at + v);
          sum_abs += vabs<T>(w), sum_square += w * w;
        }
        if (++n_rows % 32 == 0) add_up();
      }
      parameters(at, tile, lanes, true);
    }
  }

  void add_up() {
    total_abs += double(vsum<T>(sum_abs)), total_square += double(vsum<T>(sum_square));
    sum_abs = sum_square = Vec<T>{};
  }

  ItemResult result() {
    add_up();
    return {total_abs, total_square, largest_of<T>(largest)};
  }

  void parameters(int64_t at, const T* g, int lanes, bool weights) {
    if (s.gradient && s.add)
      for (int i = 0; i < lanes; i += Simd<T>::W)
        store<T>(s.gradient + at + i, load<T>(s.gradient + at + i) + load<T>(g + i));
    else if (s.gradient)
      memcpy(s.gradient + at, g, lanes * sizeof(T));
    else
      update_any<T>(s.update, c, weights, s.theta + at, s.slot0 + at, s.slot1 + at, g, T(1), lanes,
                    largest);
  }
};

}  // namespace
