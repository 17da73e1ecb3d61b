// Adam's updates of a tile of W in the shade of the product that makes ∂ℒ/∂W of the next tile: what
// waits for memory, √ and ÷ takes no time while the multipliers are busy.
#pragma once

#include "optimizers.hpp"

namespace {

template <class T>
struct Updates {
  const Scalars<T>& scalars;
  T gain;             // of the tiles
  IVec<T> largest{};  // of |θ|, as bits
  T *theta, *m, *v;   // where the tile belongs
  const T* tile;
  int64_t row, tile_row;  // from row to row of either
  int lanes = 0, rows = 0, lane = 0, at_once = 0;

  Updates(const Scalars<T>& c, T of_tiles) : scalars(c), gain(of_tiles) {}

  bool done() const { return rows == 0; }

  // `n` rows of a tile from θ[at] on are next.
  void begin(const Step<T>& s, int64_t at, int64_t stride, const T* of, int64_t of_row, int n,
             int n_lanes) {
    theta = s.theta + at, m = s.slot0 + at, v = s.slot1 + at, row = stride;
    tile = of, tile_row = of_row, rows = n, lanes = n_lanes;
  }

  // To be done in so many parts.
  void spread(int parts) {
    const int vectors = rows * (lanes / Simd<T>::W);
    at_once = parts > 0 ? (vectors + parts - 1) / parts : 0;
  }

  CP_INLINE void one() {
    const Scalars<T>* c = &scalars;
    asm volatile("" : "+r"(c));  // read anew each time: the product has no registers to spare
    const Vec<T> change = moments<T>(*c, m + lane, v + lane, load<T>(tile + lane) * gain);
    const Vec<T> w = load<T>(theta + lane) * c->decay - change;
    store<T>(theta + lane, w);
    largest = larger<T>(largest, magnitude<T>(w));
    lane += Simd<T>::W;
    if (lane < lanes) return;
    lane = 0, --rows;
    theta += row, m += row, v += row, tile += tile_row;
  }

  CP_INLINE void some() {
    for (int i = 0; i < at_once && !done(); ++i) one();
  }

  void all_left() {
    while (!done()) one();
  }
};

}  // namespace
