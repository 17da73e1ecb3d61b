// The optimisers: the list of them, the scalars of a step, and the step itself for a span of
// parameters, with penalty and decoupled decay: the records of optimizers.py in C++.
#pragma once

#include <cmath>

#include "job.hpp"
#include "power.hpp"

// The step of every optimiser, the number of constants in its formula (from `native` of its record),
// and the names of its slots.
#define CP_OPTIMIZERS(X)     \
  X(sgd, 1, "velocity")      \
  X(nesterov, 1, "velocity") \
  X(adam, 3, "m", "v")       \
  X(rmsprop, 2, "v")         \
  X(nadam, 3, "m", "v")      \
  X(lion, 2, "m")

namespace clearprop {

#define CP_ENTRY(name, ...) name,
enum class Opt : int { CP_OPTIMIZERS(CP_ENTRY) };
#undef CP_ENTRY

struct OptimizerInfo {
  const char* name;
  int n_constants;
  const char* slots[2];
  constexpr int n_slots() const { return slots[1] ? 2 : 1; }
};
#define CP_ENTRY(name, n_constants, ...) {#name, n_constants, {__VA_ARGS__}},
static constexpr OptimizerInfo kOptimizers[] = {CP_OPTIMIZERS(CP_ENTRY)};
#undef CP_ENTRY

// The powers in the scalars of a step, of an optimiser's constants.
struct Powers {
  Power a, b, mu;
  Powers() = default;
  Powers(Opt kind, const double* p) {
    if (kind != Opt::adam && kind != Opt::nadam) return;
    a = Power(p[0]), b = Power(p[1]);
    if (kind == Opt::nadam) mu = Power(0x1.ffea9969757dbp-1, -0x1.526f4e5842174p-55);  // 0.96^0.004
  }
};

// The scalars of step t (from 1) in `u`, whose kind and learning rate α are set, from the constants p:
// sgd, nesterov: a = μ. lion: a = β₁, b = β₂. adam: a = β₁, b = β₂, c = α_t. rmsprop: b = ρ. nadam: a = β₁, b = β₂,
// c = α(1−μ_t)/(1−∏μ), d = αμ_{t+1}/(1−∏μ), and 1/√(1−β₂ᵗ) in place of α; mu_product is ∏μ before.
// epsilon is 1 for steps that do not divide by a root.
static inline void set_scalars(Update& u, const double* p, const Powers& powers, int64_t t,
                               double mu_product) {
  const double rate = u.learning_rate;
  u.epsilon = 1;
  switch (u.kind) {
    case Opt::sgd:
    case Opt::nesterov: u.a = p[0]; break;
    case Opt::adam:
      u.a = p[0], u.b = p[1], u.epsilon = p[2];
      u.c = rate * std::sqrt(1 - powers.b(t)) / (1 - powers.a(t));
      break;
    case Opt::rmsprop: u.b = p[0], u.epsilon = p[1]; break;
    case Opt::lion: u.a = p[0], u.b = p[1]; break;
    case Opt::nadam: {
      u.a = p[0], u.b = p[1], u.epsilon = p[2];
      const double mu = u.a * (1 - 0.5 * powers.mu(t));
      const double next = u.a * (1 - 0.5 * powers.mu(t + 1));
      u.mu_product = mu_product * mu;
      u.c = rate * (1 - mu) / (1 - u.mu_product);
      u.d = rate * next / (1 - u.mu_product * next);
      u.learning_rate = 1 / std::sqrt(1 - powers.b(t));
      break;
    }
  }
}

}  // namespace clearprop

#if defined(CLEARPROP_ISA)  // what is compiled once per instruction set

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
// The largest lane as a number; infinity if it is NaN.
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

// θ, slots ← step(θ, slots, g) over `n` entries (a multiple of W).
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
    } else if constexpr (opt == Opt::lion) {
      const V m = load<T>(s0 + i);
      w -= c.rate * sign<T>(c.a * m + c.one_a * g);
      store<T>(s0 + i, c.b * m + c.one_b * g);
    } else {
      static_assert(opt == Opt::adam || opt == Opt::nadam, "an optimiser without its step");
      w -= moments<T, opt>(c, s0 + i, s1 + i, g);
    }
    store<T>(theta + i, w);
    largest = larger<T>(largest, magnitude<T>(w));
  }
}

// θ back within its bounds, which contain 0, over `n` entries from `at` on.
template <class T>
CP_INLINE void project(const Step<T>& s, int64_t at, int64_t n) {
  for (int64_t i = at; i < at + n; i += Simd<T>::W)
    store<T>(s.theta + i, vmin<Vec<T>>(vmax<Vec<T>>(load<T>(s.theta + i), load<T>(s.lower + i)),
                                       load<T>(s.upper + i)));
}

template <class T>
CP_INLINE void update_any(const Update& u, const Scalars<T>& c, bool weights, T* theta, T* s0,
                          T* s1, const T* g, T scale, int64_t n, IVec<T>& largest) {
  switch (u.kind) {
#define CP_ENTRY(name, ...) \
  case Opt::name: return update_span<T, Opt::name>(c, weights, theta, s0, s1, g, scale, n, largest);
    CP_OPTIMIZERS(CP_ENTRY)
#undef CP_ENTRY
  }
}

}  // namespace

#endif
