// Panels of samples: the batch gathered into them, and the passes over one of them.
#pragma once

#include "activations.hpp"
#include "job.hpp"
#include "output_units.hpp"
#include "philox.hpp"
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

// Whether ∂ℒ/∂W of a layer is computed by dot products along the samples (see weights.hpp), which then
// take fewer vector operations than products along the inputs.
template <class T>
bool by_dots(const Step<T>& s, int l) {
  constexpr int W = Simd<T>::W;
  const Layer& layer = s.layers[l];
  const double n = s.n, vectors = (s.n + W - 1) / W, n_in = layer.n_in, n_out = layer.n_out;
  const double turn = l == 0 ? 0 : 3.5 * n * n_in / W;
  return 1.1 * n_in * n_out * (vectors + 3.5) < n * ((layer.n_in + W - 1) / W) * n_out + turn;
}

// ---- gathering ----------------------------------------------------------------------------------

template <class T>
int64_t row_number(const Step<T>& s, int64_t at) {
  return s.rows ? s.rows[at] : s.first + at;
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
    row[i] = copied ? s.x + (int64_t(p) * NR + i) * first.stride
             : i < n ? s.data.X + row_number(s, p * NR + i) * s.data.ld : nullptr;
  T* out = s.h[0] + int64_t(p) * first.stride * NR;
  for (int j = 0; j < first.n_in; j += W)
    for (int v = 0; v < (n > W ? 2 : 1); ++v)
      transpose_rows<T>(row + v * W, j, first.n_in - j, out + j * NR + v * W, NR);
}

// ---- activations --------------------------------------------------------------------------------

template <class T>
void activate(Act act, T* h, T* d, int64_t n) {
  with_activation(act, [&]<Act a>() {
    if constexpr (a == Act::identity)
      if (!d) return;
    for (int64_t i = 0; i < n; i += Simd<T>::W) {
      Vec<T> slope{};
      const Vec<T> value = phi<T, a>(load<T>(h + i), derivative_from_h(a) ? nullptr : &slope);
      store<T>(h + i, value);
      if (d) store<T>(d + i, derivative_from_h(a) ? dphi<T, a>(value) : slope);
    }
  });
}

// ∂ℒ/∂z = ∂ℒ/∂h ⊙ φ′(z), with φ′ from d, or from h where d is null.
template <class T>
void times_derivative(Act act, T* dz, const T* h, const T* d, int64_t n) {
  if (d) {
    for (int64_t i = 0; i < n; i += Simd<T>::W) store<T>(dz + i, load<T>(dz + i) * load<T>(d + i));
    return;
  }
  with_activation(act, [&]<Act a>() {
    if constexpr (a == Act::relu) {  // also where ∂ℒ/∂h is not finite
      for (int64_t i = 0; i < n; i += Simd<T>::W)
        store<T>(dz + i, load<T>(h + i) > T(0) ? load<T>(dz + i) : Vec<T>{});
    } else if constexpr (a != Act::identity) {
      for (int64_t i = 0; i < n; i += Simd<T>::W)
        store<T>(dz + i, load<T>(dz + i) * dphi<T, a>(load<T>(h + i)));
    }
  });
}

template <class T>
void drop(const Step<T>& s, const Layer& layer, T* h, T* d, int p, int n) {
  constexpr int NR = kPanel<T>;
  const T keep = T(65536.0 / (65536 - layer.dropout));
  MaskWords words(s.seed, layer.dropout_index, s.number);
  for (int i = 0; i < n; ++i) {
    const uint64_t start = uint64_t(s.before + p * NR + i) * layer.n_out;
    for (int j = 0; j < layer.n_out; ++j) {
      const T m = words[start + j] >= uint32_t(layer.dropout) ? keep : T(0);
      h[j * NR + i] *= m;
      d[j * NR + i] *= m;
    }
  }
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
