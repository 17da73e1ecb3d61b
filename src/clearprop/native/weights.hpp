// ∂ℒ/∂W = ∂ℒ/∂z hᵀ for some inputs of one layer, with the optimiser's update right after it.
//
// There are two ways to the same sum over the samples. By products: samples one after another, inputs
// side by side in a vector. h must first be transposed from panels into rows. By dot products: samples
// side by side as in the panels, with each sum folded at the end. This is better for so few inputs
// that their vectors would be half empty, or so few units that transposing h costs more than it saves.
// Adam, by products, updates a tile of W while the next tile of ∂ℒ/∂W is computed: see updates.hpp.
#pragma once

#include "finish.hpp"
#include "front.hpp"
#include "panels.hpp"
#include "product.hpp"

namespace {

// ---- by products --------------------------------------------------------------------------------

template <class T>
size_t scratch_size(const Step<T>& s) {
  constexpr int NR = kPanel<T>;
  return size_t(kInputGroup) * s.n_panels * NR * NR + 2 * kRows * NR;
}

// A tile of ∂ℒ/∂W⁽ˡ⁾ divided by the gain: m rows from j on, `lanes` inputs from i0 on. ∂ℒ/∂scale of the
// item's inputs is added to `of_scale`, if there is a scale.
template <class T>
CP_INLINE void finish_tile(Finish<T>& finish, Item item, int j, int i0, T* tile, int64_t tile_row,
                           int m, int lanes, T* of_scale) {
  const Step<T>& s = finish.s;
  const Layer& layer = s.layers[item.layer];
  const int64_t at = layer.W + int64_t(j) * layer.stride + i0;
  if (item.layer == 0 && s.front.W)
    finish.scaled_weights(at, layer.stride, tile, tile_row, m, lanes, T(layer.gain),
                          s.theta + s.front.s + i0, of_scale + (i0 - item.i0));
  else
    finish.weights(at, layer.stride, tile, tile_row, m, lanes, T(layer.gain));
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
void weights_by_products(const Step<T>& s, Item item, T* scratch, Finish<T>& finish, T* of_scale) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Layer& layer = s.layers[item.layer];
  const int width = (layer.n_in + W - 1) / W * W;
  const int64_t block_size = int64_t(s.n_panels) * NR * NR;
  const int last = s.n - (s.n_panels - 1) * NR;
  const int64_t dz_panel = int64_t(layer.n_out) * NR, h_block = int64_t(NR) * NR;
  Operands<T> o{s.n_panels, NR, last, s.dz[item.layer], NR, 1, dz_panel, nullptr, NR, h_block};
  const bool rows_of_X = is_rows_of_X(s, item.layer);
  if (rows_of_X) o.b_step = layer.stride, o.b_block = int64_t(NR) * layer.stride;
  struct Block {
    const T* B;
    int i0, lanes;
  } blocks[kInputGroup];
  int n_blocks = 0;
  for (int i0 = item.i0; i0 < width && n_blocks < item.n_panels; i0 += NR, ++n_blocks) {
    const int lanes = width - i0 > W ? NR : W;
    T* rows = scratch + n_blocks * block_size;
    if (!rows_of_X) rows_of_units<T>(s, item.layer, i0, lanes, rows);
    blocks[n_blocks] = {rows_of_X ? s.x + i0 : rows, i0, lanes};
  }
  T* tile = scratch + kInputGroup * block_size;
  const bool shaded = kShade && finish.is_adam_alone() && !(item.layer == 0 && s.front.W);
  Updates<T> updates(finish.c, T(layer.gain));
  o.updates = &updates;
  bool second = false;  // of two tiles
  for (int j = 0; j < layer.n_out; j += kRows) {
    const int m = layer.n_out - j < kRows ? layer.n_out - j : kRows;
    o.A = s.dz[item.layer] + int64_t(j) * NR;
    for (int q = 0; q < n_blocks; ++q) {
      const auto [B, i0, lanes] = blocks[q];
      o.B = B;
      const int64_t at = layer.W + int64_t(j) * layer.stride + i0;
      // the update that follows this product: of this block, of the next one, or of the next rows
      const bool same_rows = q + 1 < n_blocks;
      const int64_t next = shaded      ? at
                           : same_rows ? at + NR
                                       : layer.W + int64_t(j + kRows) * layer.stride + blocks[0].i0;
      const int left = layer.n_out - j - (shaded || same_rows ? 0 : kRows);
      o.ahead[0] = s.theta + next, o.ahead[1] = s.slot0 + next, o.ahead[2] = s.slot1 + next;
      o.ahead_row = layer.stride;
      o.ahead_rows = left < 0 ? 0 : left < kRows ? left : kRows;
      o.ahead_lines = lanes * int(sizeof(T)) / 64 > 0 ? lanes * int(sizeof(T)) / 64 : 1;
      if (shaded) {
        T* own = tile + second * kRows * NR;
        second = !second;
        kProducts<T, kShade>.table[lanes > W][m](o, nullptr, own, NR);
        updates.all_left();
        updates.begin(s, at, layer.stride, own, NR, m, lanes);
        continue;
      }
      kProducts<T>.table[lanes > W][m](o, nullptr, tile, NR);
      finish_tile<T>(finish, item, j, i0, tile, NR, m, lanes, of_scale);
    }
  }
  updates.all_left();
  finish.largest = larger<T>(finish.largest, updates.largest);
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
      v[i] = blend<T, S, false>(v[i], v[i + S], Lanes{}) +
             blend<T, S, true>(v[i], v[i + S], Lanes{});
    return sums<T, S / 2>(v);
  }
}

// c[u·inputs + q] = Σ dz_u h_q over the samples, and of_b[u] = Σ dz_u if with_biases.
template <class T, bool with_biases, int units, int inputs>
CP_INLINE void dot_products(const Step<T>& s, const T* const (&dz)[units], int64_t dz_panel,
                            const T* const (&h)[inputs], int64_t h_panel, Vec<T>* c, Vec<T>* of_b) {
  Vec<T> sums[units * inputs] = {}, biases[units] = {};
  each_vector(s, [&](int p, int v) __attribute__((always_inline)) {
    Vec<T> x[inputs];
#pragma GCC unroll 4
    for (int q = 0; q < inputs; ++q) x[q] = load<T>(h[q] + p * h_panel + v);
#pragma GCC unroll 4
    for (int u = 0; u < units; ++u) {
      const Vec<T> y = load<T>(dz[u] + p * dz_panel + v);
      if constexpr (with_biases) biases[u] += y;
#pragma GCC unroll 4
      for (int q = 0; q < inputs; ++q) sums[u * inputs + q] += y * x[q];
    }
  });
#pragma GCC unroll 16
  for (int k = 0; k < units * inputs; ++k) c[k] = sums[k];
  if constexpr (with_biases) {
#pragma GCC unroll 4
    for (int u = 0; u < units; ++u) of_b[u] = biases[u];
  }
}

// With the first inputs also the biases, whose ∂ℒ/∂z are then at hand.
template <class T>
void weights_by_dots(const Step<T>& s, Item item, T* scratch, Finish<T>& finish, T* of_scale) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  constexpr int kInputs = W < 4 ? W : 4, kUnits = W / kInputs;
  const Layer& layer = s.layers[item.layer];
  const int64_t h_panel = int64_t(inputs_of_panel(s, item.layer)) * NR,
                dz_panel = int64_t(layer.n_out) * NR;
  const int left = layer.n_in - item.i0,
            inputs = left < item.n_panels * NR ? left : item.n_panels * NR;
  const int width = (inputs + W - 1) / W * W;
  const T* dz = s.dz[item.layer];
  const T* h = s.h[item.layer] + int64_t(item.i0) * NR;
  Vec<T> of_b[W] = {};  // of W units, in the lanes of their samples
  memset(scratch, 0, kUnits * width * sizeof(T));
  for (int j = 0; j < layer.n_out; j += kUnits) {
    const int m = layer.n_out - j < kUnits ? layer.n_out - j : kUnits;
    for (int i = 0; i < inputs; i += kInputs) {
      const T *a[kUnits], *b[kInputs];  // beyond the last unit or input: that one again
      for (int u = 0; u < kUnits; ++u) a[u] = dz + int64_t(u < m ? j + u : j) * NR;
      for (int q = 0; q < kInputs; ++q) b[q] = h + int64_t(i + q < inputs ? i + q : i) * NR;
      Vec<T> c[W];
      if (item.i0 + i == 0)
        dot_products<T, true>(s, a, dz_panel, b, h_panel, c, of_b + j % W);
      else
        dot_products<T, false>(s, a, dz_panel, b, h_panel, c, nullptr);
      T sum[W];
      store<T>(sum, sums<T>(c));
      const int n = inputs - i < kInputs ? inputs - i : kInputs;
      for (int u = 0; u < m; ++u)
        for (int q = 0; q < n; ++q) scratch[u * width + i + q] = sum[u * kInputs + q];
    }
    finish_tile<T>(finish, item, j, item.i0, scratch, width, m, width, of_scale);
    if (item.i0 == 0 && (j % W + kUnits == W || j + kUnits >= layer.n_out)) {
      T g[W];
      store<T>(g, sums<T>(of_b));
      for (int u = j % W + m; u < W; ++u) g[u] = 0;  // no such units
      finish.use(kB);
      finish.parameters(layer.b + j / W * W, g, W);
      finish.use(kW);
    }
  }
}

// ---- both, the biases and what else a layer has ---------------------------------------------------

// Calls f(j, g) with the sums of W units from j on, each over the samples and the panels of `x`.
template <class T, class F>
void sums_of_units(const Step<T>& s, const T* x, int n_out, bool first_vector, F&& f) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  for (int j = 0; j < n_out; j += W) {
    const int m = n_out - j < W ? n_out - j : W;
    Vec<T> c[W] = {};
    for (int u = 0; u < m; ++u) {
      Vec<T> sum{};
      each_vector(s, [&](int p, int v) __attribute__((always_inline)) {
        if (v == 0 || !first_vector) sum += load<T>(x + (int64_t(p) * n_out + j + u) * NR + v);
      });
      c[u] = sum;
    }
    T g[W];
    store<T>(g, sums<T>(c));
    f(j, g);
  }
}

// W diag(s) of the inputs of an item
template <class T>
void renew(const Step<T>& s, Item item) {
  if (item.layer < 0) return renew_front<T>(s, s.front.items[item.i0]);
  if (item.layer > 0 || !s.front.W) return;
  const Layer& layer = s.layers[0];
  const int end = item.i0 + item.n_panels * kPanel<T>, last = end < layer.n_in ? end : layer.n_in;
  for (int j = 0; j < layer.n_out; ++j) {
    const int64_t row = int64_t(j) * layer.stride;
    for (int i = item.i0; i < last; i += Simd<T>::W)
      store<T>(s.front.W + row + i,
               load<T>(s.theta + layer.W + row + i) * load<T>(s.theta + s.front.s + i));
  }
}

// The inputs of an item, and with the first of them biases and slopes; or an item of the front.
template <class T>
void weights(const Step<T>& s, Item item, int index, T* scratch) {
  constexpr int W = Simd<T>::W;
  Finish<T> finish{s};
  if (item.layer < 0) {
    front_weights<T>(s, s.front.items[item.i0], scratch, finish);
    s.results[index] = finish.result();
    return;
  }
  const Layer& layer = s.layers[item.layer];
  const bool scaled = item.layer == 0 && s.front.W;
  T of_scale[kInputGroup * kPanel<T>] = {};
  if (by_dots(s, item.layer))
    weights_by_dots<T>(s, item, scratch, finish, of_scale);
  else
    weights_by_products<T>(s, item, scratch, finish, of_scale);
  if (scaled) {
    const int left = layer.n_in - item.i0, most = item.n_panels * kPanel<T>;
    const int lanes = ((left < most ? left : most) + W - 1) / W * W;
    finish.use(kS);
    finish.weights(s.front.s + item.i0, 0, of_scale, 0, 1, lanes);
    if (!s.gradient) renew<T>(s, item);
  }
  if (item.i0 == 0 && !by_dots(s, item.layer)) {  // ∂ℒ/∂b: the sum over the samples
    finish.use(kB);
    sums_of_units<T>(s, s.dz[item.layer], layer.n_out, false,
                     [&](int j, const T* g) { finish.parameters(layer.b + j, g, W); });
  }
  if (item.i0 == 0 && layer.slope >= 0) {
    finish.use(kSlope);
    sums_of_units<T>(s, s.q[item.layer + 1], layer.n_out, true,
                     [&](int j, const T* g) { finish.weights(layer.slope + j, 0, g, 0, 1, W); });
  }
  s.results[index] = finish.result();
}

}  // namespace
