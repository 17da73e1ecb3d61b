// Panels of samples: the batch gathered into them, and the passes over one of them.
#pragma once

#include "job.hpp"
#include "output_units.hpp"
#include "transpose.hpp"

namespace {

using namespace clearprop;

// How many lanes of a panel hold samples, rounded up to vectors.
template <class T>
int lanes_of(const Step<T>& s, int p) {
  return s.n - p * kPanel<T> > Simd<T>::W ? kPanel<T> : Simd<T>::W;
}

template <class T>
int samples_of(const Step<T>& s, int p) {
  const int left = s.n - p * kPanel<T>;
  return left < kPanel<T> ? left : kPanel<T>;
}

// Whether the inputs of a layer are rows of X as they are, which lie in x one under the other.
template <class T>
bool is_rows_of_X(const Step<T>& s, int l) {
  return l == 0 && s.front.n_parts == 0;
}

// How many inputs apart the panels of h of a layer are.
template <class T>
int inputs_of_panel(const Step<T>& s, int l) {
  return is_rows_of_X(s, l) ? s.layers[0].stride : s.layers[l].n_in;
}

// Whether ∂ℒ/∂W of a layer is computed by dot products along the samples (see weights.hpp), which then
// take fewer vector operations than products along the inputs.
template <class T>
bool by_dots(const Step<T>& s, int l) {
  constexpr int W = Simd<T>::W;
  const Layer& layer = s.layers[l];
  const int vectors = (s.n + W - 1) / W, vectors_in = (layer.n_in + W - 1) / W;
  const double n = s.n, n_in = layer.n_in, n_out = layer.n_out;
  const double turn = is_rows_of_X(s, l) ? 0 : 3.5 * n * n_in / W;
  return 1.1 * n_in * n_out * (vectors + 3.5) < n * vectors_in * n_out + turn;
}

// ---- gathering ----------------------------------------------------------------------------------

template <class T>
int64_t row_number(const Step<T>& s, int64_t at) {
  return s.rows ? s.rows[at] : s.first + at;
}

// Brings what the data have of the samples of panel `p` near: they lie anywhere.
template <class T>
void prefetch_rows(const Step<T>& s, int p) {
  constexpr int64_t kMost = 4096;  // bytes; the processor sees where longer rows lead to
  const int64_t X = s.data.indptr ? 0 : s.data.ld * int64_t(sizeof(T));
  for (int i = 0; i < samples_of(s, p); ++i) {
    const int64_t row = row_number(s, p * kPanel<T> + i);
    const char* x = reinterpret_cast<const char*>(s.data.X + row * s.data.ld);
    for (int64_t at = 0; at < X && at < kMost; at += 64) __builtin_prefetch(x + at, 0, 2);
    if (s.front.bins) __builtin_prefetch(s.front.bins + row * s.front.n_binned, 0, 2);
    __builtin_prefetch(s.data.t + row * s.n_outputs, 0, 2);
  }
}

// The rows of panel `p` of the batch, one under the other in x.
template <class T>
void copy_rows(const Step<T>& s, int p, int n) {
  constexpr int NR = kPanel<T>;
  const Layer& first = s.layers[0];
  T* x = s.x + int64_t(p) * NR * first.stride;
  for (int i = 0; i < n; ++i) {
    const int64_t row = row_number(s, p * NR + i);
    T* to = x + int64_t(i) * first.stride;
    if (!s.data.indptr) {
      memcpy(to, s.data.X + row * s.data.ld, first.n_in * sizeof(T));
    } else {  // entries that stand twice add up, as in SciPy
      memset(to, 0, first.n_in * sizeof(T));
      for (int64_t e = s.data.indptr[row]; e < s.data.indptr[row + 1]; ++e)
        to[s.data.indices[e]] += s.data.X[e];
    }
  }
  for (int i = n; i < NR; ++i) memset(x + int64_t(i) * first.stride, 0, first.n_in * sizeof(T));
}

// The rows of panel `p` of the batch in the panel h[0]; in x as well where ∂ℒ/∂W will want rows.
template <class T>
void gather(const Step<T>& s, int p) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Layer& first = s.layers[0];
  const int n = samples_of(s, p);
  const bool copied = s.data.indptr || !by_dots(s, 0);
  if (copied) copy_rows(s, p, n);
  const T* row[NR];
  for (int i = 0; i < NR; ++i)
    row[i] = copied  ? s.x + (int64_t(p) * NR + i) * first.stride
             : i < n ? s.data.X + row_number(s, p * NR + i) * s.data.ld
                     : nullptr;
  T* out = s.h[0] + int64_t(p) * first.stride * NR;
  for (int j = 0; j < first.n_in; j += W)
    for (int v = 0; v < (n > W ? 2 : 1); ++v)
      transpose_rows<T>(row + v * W, j, first.n_in - j, out + j * NR + v * W, NR);
}

// ---- the output unit ------------------------------------------------------------------------------

// ℒ of the samples of a panel, and ∂ℒ/∂z⁽ᴸ⁾ over z⁽ᴸ⁾.
template <class T>
void loss_of_panel(const Step<T>& s, int p) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const int n = samples_of(s, p), lanes = lanes_of(s, p), K = s.n_outputs;
  T* z = s.dz[s.n_layers - 1] + int64_t(p) * K * NR;
  T* t = s.t + int64_t(p) * K * NR;
  alignas(kBytes) T weight[NR] = {};
  for (int i = 0; i < n; ++i) {
    const int64_t at = p * NR + i, row = s.rows ? s.rows[at] : s.first + at;
    weight[i] = T(s.mean_weight * (s.data.weight ? double(s.data.weight[row]) : 1.0));
    for (int k = 0; k < K; ++k) t[k * NR + i] = s.data.t[row * K + k];
  }
  for (int i = n; i < NR; ++i)
    for (int k = 0; k < K; ++k) t[k * NR + i] = 0;
  s.loss[p] = 0;
  for (int v = 0; v < NR; v += W) {
    if (v >= lanes) {  // nothing was computed here, and ∂ℒ/∂W must find zeros
      for (int k = 0; k < K; ++k) store<T>(z + k * NR + v, Vec<T>{});
      continue;
    }
    const Vec<T> w = load<T>(weight + v);
    const Vec<T> loss = output_loss<T>({s.output, K, z + v, t + v, w});
    s.loss[p] += double(vsum<T>(w == T(0) ? Vec<T>{} : loss * w));
  }
  if (n < lanes)  // samples that do not exist: 0, also where their z overflowed
    for (int k = 0; k < K; ++k)
      for (int i = n; i < lanes; ++i) z[k * NR + i] = 0;
}

}  // namespace
