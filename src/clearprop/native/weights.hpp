// ∂ℒ/∂W = ∂ℒ/∂z hᵀ for some inputs of one layer, and the optimiser's update of it at once.
//
// Two ways to the same sum over the samples. By products: samples one after another, inputs side by
// side in a vector; h must first be turned from panels into rows. By dot products: samples side by
// side as they lie in the panels, each sum folded at the end; better where there are so few inputs
// that vectors of them would be half empty, or so few units that turning h costs more than it saves.
#pragma once

#include "finish.hpp"
#include "panels.hpp"
#include "product.hpp"

namespace {

// ---- by products --------------------------------------------------------------------------------

template <class T>
size_t scratch_size(const Step<T>& s) {
  constexpr int NR = kPanel<T>;
  return size_t(kInputGroup) * s.n_panels * NR * NR + kRows * NR;
}

// h⁽ˡ⁻¹⁾ of the inputs i0 … i0 + lanes, turned from panels of samples into rows of samples.
template <class T>
void rows_of_units(const Step<T>& s, int l, int i0, int lanes, T* rows) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const int n_in = s.layers[l].n_in, units = n_in - i0 < lanes ? n_in - i0 : lanes;
  for (int p = 0; p < s.n_panels; ++p)
    for (int v = 0; v < lanes_of(s, p); v += W)
      for (int j = 0; j < lanes; j += W) {
        const T* from = s.h[l] + (int64_t(p) * n_in + i0 + j) * NR + v;
        T* to = rows + (int64_t(p) * NR + v) * NR + j;
        if (j + W <= units) {
          transpose<T>(from, NR, to, NR);
        } else {
          for (int a = 0; a < W; ++a)
            for (int i = 0; i < W; ++i)
              to[a * NR + i] = j + i < units ? from[int64_t(i) * NR + a] : T(0);
        }
      }
}

template <class T>
void weights_by_products(const Step<T>& s, Item item, T* scratch, Finish<T>& finish) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Layer& layer = s.layers[item.layer];
  const int width = (layer.n_in + W - 1) / W * W;
  const int64_t block_size = int64_t(s.n_panels) * NR * NR;
  const int last = s.n - (s.n_panels - 1) * NR;
  Operands<T> o{s.n_panels, NR, last, s.dz[item.layer], NR, 1, int64_t(layer.n_out) * NR,
                nullptr, NR, int64_t(NR) * NR};
  if (item.layer == 0) o.b_step = layer.stride, o.b_block = int64_t(NR) * layer.stride;
  struct Block {
    const T* B;
    int i0, lanes;
  } blocks[kInputGroup];
  int n_blocks = 0;
  for (int i0 = item.i0; i0 < width && n_blocks < item.n_panels; i0 += NR, ++n_blocks) {
    const int lanes = width - i0 > W ? NR : W;
    T* rows = scratch + n_blocks * block_size;
    if (item.layer > 0) rows_of_units<T>(s, item.layer, i0, lanes, rows);
    blocks[n_blocks] = {item.layer == 0 ? s.x + i0 : rows, i0, lanes};
  }
  T* tile = scratch + kInputGroup * block_size;
  for (int j = 0; j < layer.n_out; j += kRows) {
    const int m = layer.n_out - j < kRows ? layer.n_out - j : kRows;
    o.A = s.dz[item.layer] + int64_t(j) * NR;
    for (int q = 0; q < n_blocks; ++q) {
      const auto [B, i0, lanes] = blocks[q];
      o.B = B;
      const int64_t at = layer.W + int64_t(j) * layer.stride + i0;
      // the update that follows this one: of the next block of inputs, or of the next rows
      const bool same_rows = q + 1 < n_blocks;
      const int64_t next =
          same_rows ? at + NR : layer.W + int64_t(j + kRows) * layer.stride + blocks[0].i0;
      const int left = layer.n_out - j - (same_rows ? 0 : kRows);
      o.ahead[0] = s.theta + next, o.ahead[1] = s.slot0 + next, o.ahead[2] = s.slot1 + next;
      o.ahead_row = layer.stride;
      o.ahead_rows = left < 0 ? 0 : left < kRows ? left : kRows;
      o.ahead_lines = lanes * int(sizeof(T)) / 64 > 0 ? lanes * int(sizeof(T)) / 64 : 1;
      kProducts<T>.table[lanes > W][m](o, nullptr, tile, NR);
      finish.weights(at, layer.stride, tile, NR, m, lanes);
    }
  }
}

// ---- by dot products ----------------------------------------------------------------------------

// v[k] summed over its lanes in lane k: blocks of lanes are folded on to one another.
template <class T, int S = Simd<T>::W / 2>
CP_INLINE Vec<T> sums(Vec<T> (&v)[Simd<T>::W]) {
  if constexpr (S == 0) {
    return v[0];
  } else {
    using Lanes = std::make_integer_sequence<int, Simd<T>::W>;
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i)
      v[i] = blend<T, S, false>(v[i], v[i + S], Lanes{}) + blend<T, S, true>(v[i], v[i + S], Lanes{});
    return sums<T, S / 2>(v);
  }
}

// Calls f with the place of every vector of samples in an array of `units` units a panel.
template <class T, class F>
CP_INLINE void each_vector(const Step<T>& s, F&& f) {
  for (int p = 0; p < s.n_panels; ++p)
    for (int v = 0; v < lanes_of(s, p); v += Simd<T>::W) f(p, v);
}

template <class T>
void weights_by_dots(const Step<T>& s, Item item, T* scratch, Finish<T>& finish) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  constexpr int kInputs = W < 4 ? W : 4, kUnits = W / kInputs;
  const Layer& layer = s.layers[item.layer];
  const int units = item.layer == 0 ? layer.stride : layer.n_in;  // of a panel of h
  const int left = layer.n_in - item.i0, inputs = left < item.n_panels * NR ? left : item.n_panels * NR;
  const int width = (inputs + W - 1) / W * W;
  const T* dz = s.dz[item.layer];
  const T* h = s.h[item.layer] + int64_t(item.i0) * NR;
  memset(scratch, 0, kUnits * width * sizeof(T));
  for (int j = 0; j < layer.n_out; j += kUnits) {
    const int m = layer.n_out - j < kUnits ? layer.n_out - j : kUnits;
    for (int i = 0; i < inputs; i += kInputs) {
      const T *a[kUnits], *b[kInputs];  // beyond the last unit or input: that one again
      for (int u = 0; u < kUnits; ++u) a[u] = dz + int64_t(u < m ? j + u : j) * NR;
      for (int q = 0; q < kInputs; ++q) b[q] = h + int64_t(i + q < inputs ? i + q : i) * NR;
      Vec<T> c[W] = {};
      each_vector(s, [&](int p, int v) __attribute__((always_inline)) {
        const int64_t at = int64_t(p) * layer.n_out * NR + v, bt = int64_t(p) * units * NR + v;
        Vec<T> x[kInputs];
#pragma GCC unroll 4
        for (int q = 0; q < kInputs; ++q) x[q] = load<T>(b[q] + bt);
#pragma GCC unroll 4
        for (int u = 0; u < kUnits; ++u) {
          const Vec<T> y = load<T>(a[u] + at);
#pragma GCC unroll 4
          for (int q = 0; q < kInputs; ++q) c[u * kInputs + q] += y * x[q];
        }
      });
      T sum[W];
      store<T>(sum, sums<T>(c));
      const int n = inputs - i < kInputs ? inputs - i : kInputs;
      for (int u = 0; u < m; ++u)
        for (int q = 0; q < n; ++q) scratch[u * width + i + q] = sum[u * kInputs + q];
    }
    finish.weights(layer.W + int64_t(j) * layer.stride + item.i0, layer.stride, scratch, width, m,
                   width);
  }
}

// ---- both, and the biases -----------------------------------------------------------------------

template <class T>
void biases(const Step<T>& s, int l, Finish<T>& finish) {  // ∂ℒ/∂b: the sum over the samples
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Layer& layer = s.layers[l];
  for (int j = 0; j < layer.n_out; j += W) {
    const int m = layer.n_out - j < W ? layer.n_out - j : W;
    Vec<T> c[W] = {};
    for (int u = 0; u < m; ++u) {
      Vec<T> sum{};
      each_vector(s, [&](int p, int v) __attribute__((always_inline)) {
        sum += load<T>(s.dz[l] + (int64_t(p) * layer.n_out + j + u) * NR + v);
      });
      c[u] = sum;
    }
    T g[W];
    store<T>(g, sums<T>(c));
    finish.parameters(layer.b + j, g, W, false);
  }
}

// The inputs of an item, and with the first of them the biases.
template <class T>
void weights(const Step<T>& s, Item item, int index, T* scratch) {
  Finish<T> finish{s};
  if (by_dots(s, item.layer))
    weights_by_dots<T>(s, item, scratch, finish);
  else
    weights_by_products<T>(s, item, scratch, finish);
  if (item.i0 == 0) biases<T>(s, item.layer, finish);
  s.results[index] = finish.result();
}

}  // namespace
