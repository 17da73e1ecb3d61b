// The optimisers: one step for a span of parameters, with penalty and decoupled decay.
#pragma once

#include "job.hpp"
#include "simd.hpp"

namespace {

using namespace clearprop;

// One vector of parameters: the penalty's gradient, decay, the optimiser's step.
template <class T>
struct Scalars {
  T rate, decay, a, b, c, d, epsilon, l1, l2;  // with a factor for the learning rate
  T one_a, one_b;  // 1 − a and 1 − b of the exact values: 1 − 0.999 in float is off by 5e−5
  Scalars(const Update& u, double factor)
      : rate(T(u.kind == Opt::nadam ? u.learning_rate : factor * u.learning_rate)),
        decay(T(1 - factor * u.shrink)), a(T(u.a)), b(T(u.b)), c(T(factor * u.c)),
        d(T(factor * u.d)), epsilon(T(u.epsilon)), l1(T(u.l1)), l2(T(u.l2)), one_a(T(1 - u.a)),
        one_b(T(1 - u.b)) {}
};

template <class T>
CP_INLINE Vec<T> sign(Vec<T> w) {
  return w == T(0) ? w : copysign<T>(all<T>(T(1)), w);
}

// |w| as integers, which keep the order of the numbers: infinity above them, and NaN above that.
template <class T>
CP_INLINE IVec<T> magnitude(Vec<T> w) {
  return bits<T>(w) & ~sign_bit<T>();
}
template <class T>
CP_INLINE IVec<T> larger(IVec<T> a, IVec<T> b) {
  return a > b ? a : b;
}
// The largest lane as a number; infinity also where it is NaN.
template <class T>
double largest_of(IVec<T> magnitudes) {
  const Vec<T> v = from_bits<T>(magnitudes);
  double most = 0;
  for (int i = 0; i < Simd<T>::W; ++i)
    most = v[i] <= most ? most : v[i] == v[i] ? double(v[i]) : __builtin_inf();
  return most;
}

// One vector of Adam or NAdam: m and v in place; returns what to take from θ.
template <class T, Opt opt = Opt::adam>
CP_INLINE Vec<T> moments(const Scalars<T>& c, T* at_m, T* at_v, Vec<T> g) {
  const Vec<T> m = c.a * load<T>(at_m) + c.one_a * g;
  const Vec<T> v = c.b * load<T>(at_v) + c.one_b * g * g;
  store<T>(at_m, m);
  store<T>(at_v, v);
  if constexpr (opt == Opt::adam)
    return c.c * m / (vsqrt(v) + c.epsilon);
  else
    return (c.c * g + c.d * m) / (vsqrt(v) * c.rate + c.epsilon);
}

// θ, slots ← step(θ, slots, g) over `n` entries (a multiple of W). Constants per optimiser:
// sgd, nesterov: a = μ. adam: a = β₁, b = β₂, c = α_t. rmsprop: b = ρ.
// nadam: a = β₁, b = β₂, c = α(1−μ_t)/(1−∏μ), d = αμ_{t+1}/(1−∏μ), epsilon; rate = 1/√(1−β₂ᵗ).
template <class T, Opt opt>
CP_INLINE void update_span(const Scalars<T>& c, bool weights, T* theta, T* s0, T* s1, const T* g_in,
                           T scale, int64_t n, IVec<T>& largest) {
  using V = Vec<T>;
  const bool penalty = weights && (c.l1 != T(0) || c.l2 != T(0));
  const T decay = weights ? c.decay : T(1);
  for (int64_t i = 0; i < n; i += Simd<T>::W) {
    V w = load<T>(theta + i), g = load<T>(g_in + i) * scale;
    if (penalty) g += c.l2 * w + c.l1 * sign<T>(w);
    w = w * decay;
    if constexpr (opt == Opt::sgd || opt == Opt::nesterov) {
      const V v = c.a * load<T>(s0 + i) - c.rate * g;
      store<T>(s0 + i, v);
      w += opt == Opt::nesterov ? c.a * v - c.rate * g : v;
    } else if constexpr (opt == Opt::rmsprop) {
      const V v = c.b * load<T>(s0 + i) + c.one_b * g * g;
      store<T>(s0 + i, v);
      w -= c.rate * g / (vsqrt(v) + c.epsilon);
    } else {
      w -= moments<T, opt>(c, s0 + i, s1 + i, g);
    }
    store<T>(theta + i, w);
    largest = larger<T>(largest, magnitude<T>(w));
  }
}

template <class T>
CP_INLINE void update_any(const Update& u, const Scalars<T>& c, bool weights, T* theta, T* s0,
                          T* s1, const T* g, T scale, int64_t n, IVec<T>& largest) {
  switch (u.kind) {
    case Opt::sgd: return update_span<T, Opt::sgd>(c, weights, theta, s0, s1, g, scale, n, largest);
    case Opt::nesterov:
      return update_span<T, Opt::nesterov>(c, weights, theta, s0, s1, g, scale, n, largest);
    case Opt::adam:
      return update_span<T, Opt::adam>(c, weights, theta, s0, s1, g, scale, n, largest);
    case Opt::rmsprop:
      return update_span<T, Opt::rmsprop>(c, weights, theta, s0, s1, g, scale, n, largest);
    case Opt::nadam:
      return update_span<T, Opt::nadam>(c, weights, theta, s0, s1, g, scale, n, largest);
  }
}

}  // namespace
