// Activations of panels, with slopes and dropout: forward and backward side by side.
#pragma once

#include "activations.hpp"
#include "masks.hpp"

namespace {

using namespace clearprop;

// h = φ(z) over z, and d = φ′(z) where it is asked for.
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

// h = mask ⊙ (z + s(φ(z) − z)) over z, where a layer has slopes s (null: they are 1) and dropout;
// d = ∂h/∂z, q = ∂h/∂s.
template <class T, Act act, bool learnt, bool dropout>
void activate_units(Masks<T>& masks, int n_out, const T* slopes, T* h, T* d, T* q) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  for (int j = 0; j < n_out; j += kMaskUnits) {
    const int m = n_out - j < kMaskUnits ? n_out - j : kMaskUnits;
    if constexpr (dropout) masks.draw(j);
    for (int u = 0; u < m; ++u, h += NR, d += NR) {
      for (int v = 0; v < NR; v += W) {
        const Vec<T> z = load<T>(h + v);
        Vec<T> slope{}, value = phi<T, act>(z, derivative_from_h(act) ? nullptr : &slope);
        if constexpr (derivative_from_h(act)) slope = dphi<T, act>(value);
        Vec<T> more = value - z, mask{};
        if constexpr (learnt) {
          value = z + slopes[j + u] * more;
          slope = T(1) + slopes[j + u] * (slope - T(1));
        }
        if constexpr (dropout) {
          mask = masks.mask(u, v);
          value *= mask, slope *= mask, more *= mask;
        }
        store<T>(h + v, value);
        store<T>(d + v, slope);
        if constexpr (learnt) store<T>(q + int64_t(j + u) * NR + v, more);
      }
    }
  }
}

// h of a whole panel of layer l, from z.
template <class T>
void activate_panel(const Step<T>& s, int l, int p) {
  const Layer& layer = s.layers[l];
  const int64_t size = int64_t(layer.n_out) * kPanel<T>;
  T* h = s.h[l + 1] + p * size;
  T* d = s.d[l + 1] ? s.d[l + 1] + p * size : nullptr;
  T* q = s.q[l + 1] ? s.q[l + 1] + p * size : nullptr;
  if (!layer.dropout && !q) return activate<T>(layer.activation, h, d, size);
  Masks<T> masks(s, layer, p);
  const T* slopes = s.theta + layer.slope;
  with_activation(layer.activation, [&]<Act a>() {
    if (!q)
      activate_units<T, a, false, true>(masks, layer.n_out, slopes, h, d, q);
    else if (layer.dropout)
      activate_units<T, a, true, true>(masks, layer.n_out, slopes, h, d, q);
    else
      activate_units<T, a, true, false>(masks, layer.n_out, slopes, h, d, q);
  });
}

// Dropout alone, of h and ∂h/∂z of a panel of `layer`.
template <class T>
void drop(const Step<T>& s, const Layer& layer, T* h, T* d, int p) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  Masks<T> masks(s, layer, p);
  for (int j = 0; j < layer.n_out; j += kMaskUnits) {
    masks.draw(j);
    for (int u = 0; u < kMaskUnits && j + u < layer.n_out; ++u, h += NR, d += NR)
      for (int v = 0; v < NR; v += W) {
        const Vec<T> mask = masks.mask(u, v);
        store<T>(h + v, load<T>(h + v) * mask);
        store<T>(d + v, load<T>(d + v) * mask);
      }
  }
}

// ∂ℒ/∂z = ∂ℒ/∂h ⊙ ∂h/∂z with slopes; over q = ∂h/∂s its products with ∂ℒ/∂h, the vectors of a panel
// added up in the first one.
template <class T>
void times_slopes(T* dz, const T* d, T* q, int n, int lanes) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  for (int j = 0; j < n; ++j, dz += NR, d += NR, q += NR) {
    Vec<T> sum{};
    for (int v = 0; v < lanes; v += W) {
      const Vec<T> dh = load<T>(dz + v);
      sum += dh * load<T>(q + v);
      store<T>(dz + v, dh * load<T>(d + v));
    }
    store<T>(q, sum);
  }
}

}  // namespace
