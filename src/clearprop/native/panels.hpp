// Panels of samples: the batch gathered into them, and the passes over one of them.
#pragma once

#include "activations.hpp"
#include "job.hpp"
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

// The rows of panel `p` of the batch: copied to x, and transposed to the panel h[0].
template <class T>
void gather(const Step<T>& s, int p) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Layer& first = s.layers[0];
  const int n = s.n - p * NR < NR ? s.n - p * NR : NR;
  T* x = s.x + int64_t(p) * NR * first.stride;
  for (int i = 0; i < n; ++i) {
    const int64_t at = p * NR + i, row = s.rows ? s.rows[at] : s.first + at;
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
  T* out = s.h[0] + int64_t(p) * first.stride * NR;
  for (int j = 0; j < first.stride; j += W)
    for (int v = 0; v < (n > W ? 2 : 1); ++v)
      transpose<T>(x + int64_t(v) * W * first.stride + j, first.stride, out + j * NR + v * W, NR);
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

}  // namespace
