// φ and φ′ side by side, on vectors. The table of activations.py in another language.
#pragma once

#include "job.hpp"
#include "vmath.hpp"

namespace {

using clearprop::Act;

constexpr double kLeaky = 0.01;
constexpr double kSeluAlpha = 1.6732632423543772, kSeluLambda = 1.0507009873554805;

// Whether φ′ follows from h alone, so that it needs no buffer of its own.
constexpr bool derivative_from_h(Act act) {
  return act != Act::gelu && act != Act::silu && act != Act::mish && act != Act::softplus;
}

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
    return T(kSeluLambda) * (z > T(0) ? z : T(kSeluAlpha) * vexpm1<T>(z));
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
    if (d) *d = w + T(4) * x * (e * r) * ((e + T(1)) * r);
    return z < low ? V{} : z * w;
  } else {  // softplus
    if (d) *d = vsigmoid<T>(z);
    return vsoftplus<T>(z);
  }
}

// φ′(z) from h = φ(z), for those where that is possible.
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
    return h > T(0) ? all<T>(T(kSeluLambda)) : h + T(kSeluLambda * kSeluAlpha);
  } else {
    return one;
  }
}

// Calls f.template operator()<act>() for the activation given at run time.
template <class F>
CP_INLINE void with_activation(Act act, F&& f) {
  switch (act) {
    case Act::none:
    case Act::identity: return f.template operator()<Act::identity>();
    case Act::logistic: return f.template operator()<Act::logistic>();
    case Act::tanh: return f.template operator()<Act::tanh>();
    case Act::relu: return f.template operator()<Act::relu>();
    case Act::leaky_relu: return f.template operator()<Act::leaky_relu>();
    case Act::elu: return f.template operator()<Act::elu>();
    case Act::selu: return f.template operator()<Act::selu>();
    case Act::gelu: return f.template operator()<Act::gelu>();
    case Act::silu: return f.template operator()<Act::silu>();
    case Act::mish: return f.template operator()<Act::mish>();
    case Act::softplus: return f.template operator()<Act::softplus>();
  }
}

}  // namespace
