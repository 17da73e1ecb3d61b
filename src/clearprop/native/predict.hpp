// The kernels of prediction; prediction.hpp says what they are given and why there are two ways.
#pragma once

#include "activations.hpp"
#include "front.hpp"
#include "output_units.hpp"
#include "prediction.hpp"
#include "transpose.hpp"

namespace {

using namespace clearprop;

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileUnits = 8;  // 24 of 32 registers accumulate
constexpr int kFewRows = 6;    // rows that share a pass over the weights
#else
constexpr int kTileUnits = 4;  // 12 of 16
constexpr int kFewRows = 4;
#endif
constexpr int kTileVectors = 3;

template <class T>
constexpr int kSamples = kTileVectors * Simd<T>::W;
template <class T>
constexpr int kUnits = Simd<T>::W > kTileUnits ? Simd<T>::W : kTileUnits;

template <class T>
constexpr T kNoFloor = -T(__builtin_inff());

constexpr int round_up(int n, int to) { return (n + to - 1) / to * to; }

// h = φ(z) in place
template <class T>
__attribute__((noinline)) void apply(Act act, T* h, int64_t n) {
  with_activation(act, [&]<Act a>() {
    for (int64_t i = 0; i < n; i += Simd<T>::W) store<T>(h + i, phi<T, a>(load<T>(h + i), nullptr));
  });
}

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool kFused = true;  // z + s(φ(z) − z) is rounded once
#else
constexpr bool kFused = false;
#endif

// h = z + s(φ(z) − z) in place; the vector of slopes s that follows is `step` further on. For relu it is
// z or z(1 − s), so that h never falls where z rises, for any s ≤ 1: monotone networks rely on it.
template <class T>
__attribute__((noinline)) void apply_slopes(Act act, T* h, const T* slope, int step, int64_t n) {
  with_activation(act, [&]<Act a>() {
    for (int64_t i = 0; i < n; i += Simd<T>::W, slope += step) {
      const Vec<T> z = load<T>(h + i);
      if constexpr (a == Act::relu && !kFused)
        store<T>(h + i, z > T(0) ? z : z * (T(1) - load<T>(slope)));
      else
        store<T>(h + i, z + load<T>(slope) * (phi<T, a>(z, nullptr) - z));
    }
  });
}

// relu is a bound of the products' results; the other functions follow them.
template <class T>
T floor_of(const PackedLayer<T>& layer) {
  return layer.activation == Act::relu && !layer.slope ? T(0) : kNoFloor<T>;
}
template <class T>
bool has_pass(const PackedLayer<T>& layer) {
  const Act act = layer.activation;
  return layer.slope || (act != Act::relu && act != Act::identity && act != Act::none);
}

// h of `units` units of a layer from j on, side by side
template <class T>
void apply_row(const PackedLayer<T>& layer, int j, T* h, int units) {
  if (layer.slope)
    apply_slopes<T>(layer.activation, h, layer.slope + j, Simd<T>::W, units);
  else
    apply<T>(layer.activation, h, units);
}

// ---- panels -------------------------------------------------------------------------------------

// MR units × NV vectors of samples: C = max(floor, init + Σ_k W[k, :]·h[k, :]), or on from C.
template <class T, int MR, int NV>
__attribute__((noinline)) void tile(int n, const T* W, int64_t ahead, const T* h, const T* init,
                                    T floor, T* C) {
  using V = Vec<T>;
  constexpr int L = Simd<T>::W, NR = kSamples<T>, U = kUnits<T>;
  V c[MR][NV];
#pragma GCC unroll 8
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < NV; ++v) c[r][v] = init ? all<T>(init[r]) : load<T>(C + r * NR + v * L);
  for (int k = 0; k < n; ++k, W += U, h += NR) {
    V x[NV];
    __builtin_prefetch(W + ahead, 0, 2);
#pragma GCC unroll 3
    for (int v = 0; v < NV; ++v) x[v] = load<T>(h + v * L);
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r) {
      const V w = all<T>(W[r]);
#pragma GCC unroll 3
      for (int v = 0; v < NV; ++v) c[r][v] += w * x[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < NV; ++v) store<T>(C + r * NR + v * L, vmax<V>(c[r][v], all<T>(floor)));
}

template <class T>
struct Tiles {
  using Tile = void (*)(int, const T*, int64_t, const T*, const T*, T, T*);
  Tile table[kTileVectors][kTileUnits + 1];
  constexpr Tiles() : table{} { fill<kTileUnits>(); }
  template <int MR>
  constexpr void fill() {
    table[0][MR] = tile<T, MR, 1>;
    table[1][MR] = tile<T, MR, 2>;
    table[2][MR] = tile<T, MR, 3>;
    if constexpr (MR > 1) fill<MR - 1>();
  }
};
template <class T>
constexpr Tiles<T> kTiles{};

template <class T>
int vectors_of(int n) {
  return (n + Simd<T>::W - 1) / Simd<T>::W;
}

template <class T>
void multiply(const PackedLayer<T>& layer, int k0, int n_k, const T* slab, int n, T* out) {
  constexpr int L = Simd<T>::W, NR = kSamples<T>, U = kUnits<T>;
  const int vectors = vectors_of<T>(n);
  const bool last = k0 + n_k == layer.n_in;
  const T floor = last ? floor_of<T>(layer) : kNoFloor<T>;
  const bool pass = last && has_pass(layer);
  const int64_t block = int64_t(layer.n_in) * U;
  const int n_blocks = (layer.n_out + U - 1) / U;
  for (int j = 0; j < layer.n_out; j += kTileUnits) {
    const int m = layer.n_out - j < kTileUnits ? layer.n_out - j : kTileUnits, at = j / U;
    const T* W = layer.W + at * block + int64_t(k0) * U + j % U;
    // what is needed next: the same inputs of the next units, or the next inputs
    const int64_t ahead = at + 1 < n_blocks ? block : last ? 0 : int64_t(n_k) * U - at * block;
    const T* b = k0 == 0 ? layer.b + j : nullptr;
    T* C = out + int64_t(j) * NR;
    kTiles<T>.table[vectors - 1][m](n_k, W, ahead, slab, b, floor, C);
    if (!pass) continue;
    if (layer.slope)
      for (int r = 0; r < m; ++r)
        apply_slopes<T>(layer.activation, C + r * NR, layer.spread + int64_t(j + r) * L, 0,
                        vectors * L);
    else if (vectors == kTileVectors)
      apply<T>(layer.activation, C, m * NR);
    else
      for (int r = 0; r < m; ++r) apply<T>(layer.activation, C + r * NR, vectors * L);
  }
}

// slab[c][i] = X[i][c], with zeros up to whole vectors of samples.
template <class T>
void turn(const T* X, int64_t ld, int n, int columns, T* slab) {
  constexpr int W = Simd<T>::W, NR = kSamples<T>;
  for (int i = 0; i < n; i += W) {
    const int m = n - i < W ? n - i : W;
    const T* x = X + i * ld;
    int c = 0;
    if (m == W && columns >= W) {
      for (; c + W <= columns; c += W) transpose<T>(x + c, ld, slab + int64_t(c) * NR + i, NR);
      if (columns - c > W / 4) {  // once more, over the end of the block before
        c = columns - W;
        transpose<T>(x + c, ld, slab + int64_t(c) * NR + i, NR);
        c = columns;
      }
    }
    for (; c < columns; ++c) {
      T* to = slab + int64_t(c) * NR + i;
      for (int r = 0; r < m; ++r) to[r] = x[r * ld + c];
      for (int r = m; r < W; ++r) to[r] = T(0);
    }
  }
}

// Row by row, only the entries that are there: each adds its multiple of W's column to all units.
template <class T>
void sparse_layer(const PackedLayer<T>& layer, const Data<T>& data, int64_t row, int n, T* scratch,
                  T* out) {
  constexpr int W = Simd<T>::W, NR = kSamples<T>, U = kUnits<T>;
  const int width = round_up(layer.n_out, U);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < width; j += U) {
      Vec<T> c[U / W];
      for (int v = 0; v < U / W; ++v) c[v] = load<T>(layer.b + j + v * W);
      const T* block = layer.W + int64_t(j) * layer.n_in;
      for (int64_t e = data.indptr[row + i]; e < data.indptr[row + i + 1]; ++e)
        for (int v = 0; v < U / W; ++v)
          c[v] += all<T>(data.X[e]) * load<T>(block + data.indices[e] * U + v * W);
      for (int v = 0; v < U / W; ++v)
        store<T>(scratch + j + v * W, vmax<Vec<T>>(c[v], all<T>(floor_of<T>(layer))));
    }
    if (has_pass(layer)) apply_row<T>(layer, 0, scratch, width);
    for (int j = 0; j < layer.n_out; ++j) out[int64_t(j) * NR + i] = scratch[j];
  }
  for (int i = n; i < vectors_of<T>(n) * W; ++i)
    for (int j = 0; j < layer.n_out; ++j) out[int64_t(j) * NR + i] = T(0);
}

template <class T>
__attribute__((noinline)) void finish(const Output& output, int K, T* z, int stride) {
  output_units<T>(output, K, z, stride);
}

template <class T>
void outputs(const PackedNetwork<T>& net, bool logits, T* z, int n, T* out) {
  constexpr int W = Simd<T>::W, NR = kSamples<T>;
  const int K = net.layers[net.n_layers - 1].n_out;
  for (int i = 0; i < n; i += W) {
    if (!logits) finish<T>(net.output, K, z + i, NR);
    const int m = n - i < W ? n - i : W;
    T* to = out + int64_t(i) * K;
    if (m == W && K >= W) {
      for (int k = 0; k < K; k += W) {
        const int at = K - k < W ? K - W : k;
        transpose<T>(z + int64_t(at) * NR + i, NR, to + at, K);
      }
      continue;
    }
    for (int r = 0; r < m; ++r)
      for (int k = 0; k < K; ++k) to[int64_t(r) * K + k] = z[int64_t(k) * NR + i + r];
  }
}

// ---- rows ---------------------------------------------------------------------------------------

// R rows × N vectors of units: z[r][j] = max(floor, b[j] + Σ_k x[r][k]·W[j][k])
template <class T, int R, int N>
CP_INLINE void row_tile(const PackedLayer<T>& layer, int j, const T* x, int64_t ld, T floor, T* z,
                        int64_t z_ld) {
  using V = Vec<T>;
  constexpr int L = Simd<T>::W, U = kUnits<T>;
  const int64_t block = int64_t(layer.n_in) * U;
  const T* W = layer.W + int64_t(j) * layer.n_in;
  V c[R][N];
#pragma GCC unroll 8
  for (int v = 0; v < N; ++v)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) c[r][v] = load<T>(layer.b + j + v * L);
  for (int k = 0; k < layer.n_in; ++k, W += U) {
    V w[N];
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) w[v] = load<T>(W + (v * L / U) * block + v * L % U);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V y = all<T>(x[r * ld + k]);
#pragma GCC unroll 8
      for (int v = 0; v < N; ++v) c[r][v] += y * w[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) store<T>(z + r * z_ld + j + v * L, vmax<V>(c[r][v], all<T>(floor)));
}

// R rows, the units j … end, with as many vectors of units at a time as there are registers for.
template <class T, int R>
void row_layer(const PackedLayer<T>& layer, const T* x, int64_t ld, T* z, int64_t z_ld, int j,
               int end) {
  constexpr int L = Simd<T>::W, U = kUnits<T>, most = kTileUnits * kTileVectors / R;
  const T floor = floor_of<T>(layer);
  const int begin = j;
  if constexpr (most >= 8)
    for (; j + 8 * L <= end; j += 8 * L) row_tile<T, R, 8>(layer, j, x, ld, floor, z, z_ld);
  if constexpr (most >= 4)
    for (; j + 4 * L <= end; j += 4 * L) row_tile<T, R, 4>(layer, j, x, ld, floor, z, z_ld);
  if constexpr (2 * L >= U)
    for (; j + 2 * L <= end; j += 2 * L) row_tile<T, R, 2>(layer, j, x, ld, floor, z, z_ld);
  if constexpr (L >= U)
    for (; j < end; j += L) row_tile<T, R, 1>(layer, j, x, ld, floor, z, z_ld);
  if (has_pass(layer))
    for (int r = 0; r < R; ++r) apply_row<T>(layer, begin, z + r * z_ld + begin, end - begin);
}

template <class T>
struct RowLayers {
  using Rows = void (*)(const PackedLayer<T>&, const T*, int64_t, T*, int64_t, int, int);
  Rows table[kFewRows + 1];
  constexpr RowLayers() : table{} { fill<kFewRows>(); }
  template <int R>
  constexpr void fill() {
    table[R] = row_layer<T, R>;
    if constexpr (R > 1) fill<R - 1>();
  }
};
template <class T>
constexpr RowLayers<T> kRowLayers{};

template <class T>
void rows_layer(const PackedLayer<T>& layer, const T* x, int64_t ld, int n, T* z, int64_t z_ld,
                int j, int end) {
  kRowLayers<T>.table[n](layer, x, ld, z, z_ld, j, end);
}

// The rows become lanes, as in a panel.
template <class T>
void rows_outputs(const PackedNetwork<T>& net, const T* z, int64_t ld, int n, T* scratch, T* out) {
  constexpr int W = Simd<T>::W;
  const int K = net.layers[net.n_layers - 1].n_out;
  for (int r = 0; r < n; r += W) {
    const int lanes = n - r < W ? n - r : W;
    for (int k = 0; k < K; ++k) {
      store<T>(scratch + k * W, Vec<T>{});
      for (int i = 0; i < lanes; ++i) scratch[k * W + i] = z[(r + i) * ld + k];
    }
    finish<T>(net.output, K, scratch, W);
    for (int i = 0; i < lanes; ++i)
      for (int k = 0; k < K; ++k) out[int64_t(r + i) * K + k] = scratch[k * W + i];
  }
}

// ---- what stands before -------------------------------------------------------------------------

template <class T>
void front_panel(const PackedNetwork<T>& net, const T* x, int n, T* h) {
  front_units<T>(net.front, net.theta, x, h, kSamples<T>, vectors_of<T>(n) * Simd<T>::W, nullptr,
                 nullptr, false);
}

template <class T>
void front_tables(const PackedNetwork<T>& net) {
  for (int q = 0; q < net.front.n_parts; ++q) {
    const Part& part = net.front.parts[q];
    for (int c = 0; c < part.n && part.kind == Kind::piecewise_linear; ++c) {
      const Column& column = net.front.columns[part.column + c];
      tabulate<T>(part, column, net.front.edges, net.theta + column.theta, net.front.tables);
    }
  }
}

// For each number of vectors of samples: up to how many rows the way of rows is faster. The estimate
// counts the vectors that are multiplied; a vector of a panel that is not full takes longer, as
// measured.
template <class T>
void rows_limits(const PackedNetwork<T>& net, int* limits) {
  constexpr double slower[kTileVectors] = {1.6, 1.1, 1.0};
  double panel = 0, row = 0;
  for (int l = 0; l < net.n_layers; ++l) {
    const PackedLayer<T>& layer = net.layers[l];
    panel += double(layer.n_in) * layer.n_out;
    const int vectors = round_up(layer.n_out, kUnits<T>) / Simd<T>::W;
    row += double(layer.n_in) * vectors;
  }
  for (int v = 0; v < kTileVectors; ++v) limits[v] = int(slower[v] * (v + 1) * panel / row);
  if (limits[0] < 1) limits[0] = 1;
}

template <class T>
constexpr PredictKernels<T> kPredict{Simd<T>::W,      kSamples<T>,   kUnits<T>,
                                     kFewRows,        turn<T>,       front_panel<T>,
                                     front_tables<T>, multiply<T>,   sparse_layer<T>,
                                     outputs<T>,      rows_layer<T>, rows_outputs<T>,
                                     rows_limits<T>};

}  // namespace
