// The activations: the list of them, and φ and φ′ side by side, on vectors. The table of
// activations.py in another language.
#pragma once

#include "job.hpp"

// Every activation, and from what its φ′ is computed: the sign of h (which rounding keeps), h, or z.
#define CP_ACTIVATIONS(X) \
  X(identity, sign)       \
  X(logistic, h)          \
  X(tanh, h)              \
  X(relu, sign)           \
  X(leaky_relu, sign)     \
  X(elu, h)               \
  X(selu, h)              \
  X(gelu, z)              \
  X(silu, z)              \
  X(mish, z)              \
  X(hardtanh, z)          \
  X(hardswish, z)         \
  X(softsign, z)          \
  X(softplus, z)

namespace clearprop {

enum class Slope : int { sign, h, z };

#define CP_ENTRY(name, from) name,
enum class Act : int { none = -1, CP_ACTIVATIONS(CP_ENTRY) };
#undef CP_ENTRY

struct ActivationInfo {
  const char* name;
  Slope from;  // its φ′
};
#define CP_ENTRY(name, from) {#name, Slope::from},
static constexpr ActivationInfo kActivations[] = {CP_ACTIVATIONS(CP_ENTRY)};
#undef CP_ENTRY

// Whether φ′ follows from h alone, so that it needs no buffer.
static constexpr bool derivative_from_h(Act act) {
  return act == Act::none || kActivations[int(act)].from != Slope::z;
}
// The same for an h that is rounded.
static constexpr bool derivative_from_sign(Act act) {
  return act != Act::none && kActivations[int(act)].from == Slope::sign;
}

}  // namespace clearprop

#if defined(CLEARPROP_ISA)  // what is compiled once per instruction set

#include "vmath.hpp"

namespace {

using clearprop::Act;
using clearprop::derivative_from_h;
using clearprop::derivative_from_sign;

constexpr double kLeaky = 0.01;
constexpr double kSeluC = 1.6732632423543772, kSeluLambda = 1.0507009873554805;

// h = φ(z), and φ′(z) where `d` asks for it.
template <class T, Act act>
CP_INLINE Vec<T> phi(Vec<T> z, Vec<T>* d) {
  using V = Vec<T>;
  if constexpr (act == Act::identity) {
    return z;
  } else if constexpr (act == Act::logistic) {
    return vsigmoid<T>(z);
  } else if constexpr (act == Act::tanh) {
    return vtanh<T>(z);
  } else if constexpr (act == Act::relu) {
    return vmax<V>(z, V{});
  } else if constexpr (act == Act::leaky_relu) {
    return z > T(0) ? z : z * T(kLeaky);
  } else if constexpr (act == Act::elu) {
    return z > T(0) ? z : vexpm1<T>(z);
  } else if constexpr (act == Act::selu) {
    return T(kSeluLambda) * (z > T(0) ? z : T(kSeluC) * vexpm1<T>(z));
  } else if constexpr (act == Act::gelu) {  // z Φ(z); φ′ = Φ(z) + z e^(−z²/2)/√(2π)
    const V x = vmin<V>(vmax<V>(z, all<T>(T(-40))), all<T>(T(40)));
    const V Phi = T(0.5) * verfc<T>(x * T(-0.70710678118654752440));
    if (d) *d = Phi + x * vexp<T>(T(-0.5) * x * x) * T(0.39894228040143267794);
    return z < T(-40) ? V{} : z * Phi;
  } else if constexpr (act == Act::silu) {  // z σ(z); φ′ = σ (1 + z (1 − σ))
    const V s = vsigmoid<T>(z), h = z < T(-1000) ? V{} : z * s;
    if (d) *d = z > T(1000) ? all<T>(T(1)) : s + h * vsigmoid<T>(-z);
    return h;
  } else if constexpr (act == Act::mish) {
    // z tanh(softplus z) = z w, w = n/(n + 2) with n = eᶻ(eᶻ + 2); φ′ = w + 4z eᶻ(eᶻ + 1)/(n + 2)²
    constexpr T low = Constants<T>::exp_normal, high = T(40);  // beyond them h is nearly 0, and z
    const V x = vmin<V>(vmax<V>(z, all<T>(low)), all<T>(high));
    const V e = exp_of_normal<T>(x), n = e * (e + T(2)), r = T(1) / (n + T(2)), w = n * r;
    if (d) *d = w + T(4) * x * flushed<T>(e * r) * ((e + T(1)) * r);
    return z < low ? V{} : z * w;
  } else if constexpr (act == Act::hardtanh) {
    if (d) *d = ((z > T(-1)) & (z <= T(1))) ? all<T>(T(1)) : V{};
    return vmin<V>(vmax<V>(z, all<T>(T(-1))), all<T>(T(1)));
  } else if constexpr (act == Act::hardswish) {
    const V w = vmin<V>(vmax<V>(z + T(3), V{}), all<T>(T(6))) * T(1.0 / 6);
    if (d) *d = z > T(3) ? all<T>(T(1)) : (z > T(-3) ? z * T(1.0 / 3) + T(0.5) : V{});
    return z < T(-3) ? V{} : z * w;
  } else if constexpr (act == Act::softsign) {  // bounds, because ∞/∞ is NaN
    const V x = vmin<V>(vmax<V>(z, all<T>(T(-1e30))), all<T>(T(1e30))),
            r = T(1) / (T(1) + vabs<T>(x));
    if (d) *d = r * r;
    return x * r;
  } else {
    static_assert(act == Act::softplus, "an activation without its φ");
    if (d) *d = vsigmoid<T>(z);
    return vsoftplus<T>(z);
  }
}

// φ′(z) from h = φ(z), for the activations that allow it.
template <class T, Act act>
CP_INLINE Vec<T> dphi(Vec<T> h) {
  using V = Vec<T>;
  const V one = all<T>(T(1));
  if constexpr (act == Act::logistic) {
    return h * (one - h);
  } else if constexpr (act == Act::tanh) {
    return one - h * h;
  } else if constexpr (act == Act::relu) {
    return h > T(0) ? one : V{};
  } else if constexpr (act == Act::leaky_relu) {
    return h > T(0) ? one : all<T>(T(kLeaky));
  } else if constexpr (act == Act::elu) {
    return h > T(0) ? one : h + one;
  } else if constexpr (act == Act::selu) {
    return h > T(0) ? all<T>(T(kSeluLambda)) : h + T(kSeluLambda * kSeluC);
  } else {
    return one;
  }
}

// Calls f.template operator()<act>() for the activation given at run time.
template <class F>
CP_INLINE void with_activation(Act act, F&& f) {
  switch (act) {
    case Act::none: return f.template operator()<Act::identity>();
#define CP_ENTRY(name, from) \
  case Act::name: return f.template operator()<Act::name>();
      CP_ACTIVATIONS(CP_ENTRY)
#undef CP_ENTRY
  }
}

}  // namespace

#endif
