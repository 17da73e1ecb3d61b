// What becomes of a block of ∂ℒ/∂θ once it is there.
#pragma once

#include "optimizers.hpp"

namespace {

// What becomes of ∂ℒ/∂θ: the sums of the penalty, then the update, or the gradient is kept.
template <class T>
struct Finish {
  const Step<T>& s;
  Name name = kW;  // of the array that is at hand
  Scalars<T> c{s.update, s.factors[kW]};
  IVec<T> largest{};
  Vec<T> sum_abs{}, sum_square{};  // of a few rows, added up in double before they lose digits
  int n_rows = 0;
  double total_abs = 0, total_square = 0;

  void use(Name array) { name = array, c = Scalars<T>(s.update, s.factors[array]); }

  // Whether nothing but Adam's step becomes of it.
  bool is_adam_alone() const {
    return !s.gradient && !s.lower && s.update.kind == Opt::adam && c.l1 == T(0) && c.l2 == T(0);
  }

  // m rows of `lanes` weights, the first at θ[at], the next `row` further on; gain: of the tile
  void weights(int64_t at, int64_t row, const T* tile, int64_t tile_row, int m, int lanes,
               T gain = T(1)) {
    const bool penalty = c.l1 != T(0) || c.l2 != T(0);
    if (row == lanes && tile_row == lanes) lanes *= m, m = 1;  // they lie one after another
    for (int r = 0; r < m; ++r, at += row, tile += tile_row) {
      if (penalty) add_penalty(at, lanes);
      parameters(at, tile, lanes, gain);
    }
  }

  // The same for a tile of ∂ℒ/∂(W diag(scale)), which becomes ∂ℒ/∂W. Σ W ⊙ tile over the rows, which
  // is ∂ℒ/∂scale, is added to `sums`.
  void scaled_weights(int64_t at, int64_t row, T* tile, int64_t tile_row, int m, int lanes, T gain,
                      const T* scale, T* sums) {
    for (int r = 0; r < m; ++r)
      for (int v = 0; v < lanes; v += Simd<T>::W) {
        T* entry = tile + r * tile_row + v;
        const Vec<T> g = load<T>(entry) * gain;
        store<T>(sums + v, load<T>(sums + v) + g * load<T>(s.theta + at + r * row + v));
        store<T>(entry, g * load<T>(scale + v));
      }
    weights(at, row, tile, tile_row, m, lanes);
  }

  void add_penalty(int64_t at, int lanes) {
    for (int v = 0; v < lanes; v += Simd<T>::W) {
      const Vec<T> w = load<T>(s.theta + at + v);
      sum_abs += vabs<T>(w), sum_square += w * w;
      if (v % (64 * Simd<T>::W) == 63 * Simd<T>::W) add_up();
    }
    if (++n_rows % 32 == 0) add_up();
  }

  void add_up() {
    total_abs += double(vsum<T>(sum_abs)), total_square += double(vsum<T>(sum_square));
    sum_abs = sum_square = Vec<T>{};
  }

  ItemResult result() {
    add_up();
    return {total_abs, total_square, largest_of<T>(largest)};
  }

  void parameters(int64_t at, const T* g, int lanes, T gain = T(1)) {
    if (s.gradient && s.add) {
      for (int i = 0; i < lanes; i += Simd<T>::W)
        store<T>(s.gradient + at + i, load<T>(s.gradient + at + i) + load<T>(g + i) * gain);
    } else if (s.gradient) {
      for (int i = 0; i < lanes; i += Simd<T>::W)
        store<T>(s.gradient + at + i, load<T>(g + i) * gain);
    } else {
      update_any<T>(s.update, c, is_weight(name), s.theta + at, s.slot0 + at, s.slot1 + at, g, gain,
                    lanes, largest);
      if (s.lower) project<T>(s, at, lanes);
    }
  }
};

}  // namespace
