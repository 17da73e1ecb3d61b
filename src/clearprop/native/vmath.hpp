// exp, expm1, log, log1p, tanh, sigmoid, softplus and erfc on vectors, for float and double.
//
// Within 4 ulp of the true value (the tests measure it over the whole range); NaN in, NaN out.
#pragma once

#include "simd.hpp"

namespace {

template <class T>
struct Constants;
template <>
struct Constants<float> {
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  static constexpr float round = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
  static constexpr float exp_max = 89.0f, exp_min = -104.0f, exp_normal = -87.0f;
  static constexpr float tanh_max = 10.0f;
  static constexpr int exp_terms = 7, log_terms = 5;
};
template <>
struct Constants<double> {
  static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
  static constexpr double round = 6755399441055744.0;  // 1.5·2⁵²
  static constexpr double exp_max = 710.0, exp_min = -746.0, exp_normal = -708.0;
  static constexpr double tanh_max = 20.0;
  static constexpr int exp_terms = 13, log_terms = 11;
};

constexpr double inverse_factorial(int k) { return k < 2 ? 1.0 : inverse_factorial(k - 1) / k; }

// 1/k!, worked out by the compiler wherever they are used
template <class T>
struct InverseFactorials {
  T of[26];
  constexpr InverseFactorials() : of{} {
    for (int k = 0; k < 26; ++k) of[k] = T(inverse_factorial(k));
  }
};
template <class T>
constexpr InverseFactorials<T> kInverseFactorials{};

// 2ⁿ for n within the exponents of normal numbers
template <class T>
CP_INLINE Vec<T> power_of_two(IVec<T> n) {
  return from_bits<T>((n + Bits<T>::bias) << Bits<T>::mantissa);
}

template <class T>
struct Reduced {
  Vec<T> r;   // x − n·ln 2, |r| ≤ ½ ln 2
  IVec<T> n;  // the nearest integer of x / ln 2
};

template <class T>
CP_INLINE Reduced<T> reduce(Vec<T> x) {
  using C = Constants<T>;
  const Vec<T> shifted = x * T(1.44269504088896340736) + C::round;
  const Vec<T> n = shifted - C::round;
  const IVec<T> integer = bits<T>(shifted) - bits<T>(all<T>(C::round));
  return {(x - n * C::ln2_high) - n * C::ln2_low, integer};
}

// eʳ − 1 by its Taylor series, for |r| ≤ ½ ln 2
template <class T, int K = Constants<T>::exp_terms>
CP_INLINE Vec<T> expm1_series(Vec<T> r) {
  Vec<T> sum = all<T>(kInverseFactorials<T>.of[K]);
#pragma GCC unroll 16
  for (int k = K - 1; k >= 2; --k) sum = sum * r + kInverseFactorials<T>.of[k];
  return r + r * r * sum;
}

// eˣ where x and eˣ are normal numbers
template <class T>
CP_INLINE Vec<T> exp_of_normal(Vec<T> x) {
  const Reduced<T> a = reduce<T>(x);
  return (expm1_series<T>(a.r) + T(1)) * power_of_two<T>(a.n);
}

template <class T>
CP_INLINE Vec<T> vexp(Vec<T> x) {
  using C = Constants<T>;
  // the bounds lie where the result has become ∞ or 0; written so that NaN passes through
  const Vec<T> clamped = vmin<Vec<T>>(vmax<Vec<T>>(x, all<T>(C::exp_min)), all<T>(C::exp_max));
  const Reduced<T> a = reduce<T>(clamped);
  const Vec<T> y = expm1_series<T>(a.r) + T(1);
  const IVec<T> half = a.n >> 1;  // in two factors, so that both are normal
  return flushed<T>(y * power_of_two<T>(half) * power_of_two<T>(a.n - half));
}

// up to the bound `high`, far beyond where tanh and elu need it
template <class T>
CP_INLINE Vec<T> vexpm1(Vec<T> x) {
  using C = Constants<T>;
  const T low = -T(Bits<T>::mantissa + 3), high = C::exp_max - T(2);
  const Vec<T> clamped = vmin<Vec<T>>(vmax<Vec<T>>(x, all<T>(low)), all<T>(high));
  const Reduced<T> a = reduce<T>(clamped);
  const Vec<T> two_n = power_of_two<T>(a.n);
  return expm1_series<T>(a.r) * two_n + (two_n - T(1));
}

// log x for x > 0, normal; ∞ and NaN pass through
template <class T>
CP_INLINE Vec<T> vlog(Vec<T> x) {
  using C = Constants<T>;
  const IVec<T> sqrt_half = bits<T>(all<T>(T(0.70710678118654752440)));
  // x = m·2ᵉ with m in [√½, √2): the integer difference to √½ has e in its exponent field
  const IVec<T> e = (bits<T>(x) - sqrt_half) >> Bits<T>::mantissa;
  const Vec<T> m = from_bits<T>(bits<T>(x) - (e << Bits<T>::mantissa));
  const Vec<T> f = m - T(1);
  const Vec<T> s = f / (f + T(2)), s2 = s * s;  // log m = 2 artanh s
  Vec<T> sum = all<T>(T(1) / T(2 * C::log_terms + 1));
#pragma GCC unroll 16
  for (int k = C::log_terms - 1; k >= 1; --k) sum = sum * s2 + T(1) / T(2 * k + 1);
  const Vec<T> exponent = __builtin_convertvector(e, Vec<T>);
  // 2s = f − f·s keeps the last bits of f
  const Vec<T> y = f + (T(2) * s * s2 * sum - f * s + exponent * C::ln2_low);
  return x < all<T>(T(__builtin_inff())) ? exponent * C::ln2_high + y : x;
}

// log(1 + y) for 0 ≤ y ≤ 1
template <class T>
CP_INLINE Vec<T> vlog1p(Vec<T> y) {
  const Vec<T> u = y + T(1);
  return vlog<T>(u) + (y - (u - T(1))) / u;
}

template <class T>
CP_INLINE Vec<T> vtanh(Vec<T> x) {
  const Vec<T> a = vmin<Vec<T>>(vabs<T>(x), all<T>(Constants<T>::tanh_max));
  const Vec<T> t = vexpm1<T>(a + a);
  const Vec<T> y = copysign<T>(t / (t + T(2)), x);
  return x == x ? y : x;
}

template <class T>
CP_INLINE Vec<T> vsigmoid(Vec<T> x) {
  return flushed<T>(T(1) / (T(1) + vexp<T>(-x)));
}

template <class T>
CP_INLINE Vec<T> vsoftplus(Vec<T> x) {
  return vmax<Vec<T>>(x, Vec<T>{}) + vlog1p<T>(vexp<T>(-vabs<T>(x)));
}

template <class T, int N>
CP_INLINE Vec<T> horner(Vec<T> x, const double (&c)[N]) {
  Vec<T> sum = all<T>(T(c[0]));
  for (int k = 1; k < N; ++k) sum = sum * x + T(c[k]);
  return sum;
}

// erfc x = 1 − erf x. W. J. Cody, Rational Chebyshev approximations for the error function,
// Math. Comp. 23 (1969): three intervals of |x|.
template <class T>
CP_INLINE Vec<T> verfc(Vec<T> x) {
  static constexpr double A[] = {1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2,
                                 3.77485237685302021e2, 3.20937758913846947e3};
  static constexpr double B[] = {1.0, 2.36012909523441209e1, 2.44024637934444173e2,
                                 1.28261652607737228e3, 2.84423683343917062e3};
  static constexpr double C[] = {2.15311535474403846e-8, 5.64188496988670089e-1,
                                 8.88314979438837594,    6.61191906371416295e1,
                                 2.98635138197400131e2,  8.81952221241769090e2,
                                 1.71204761263407058e3,  2.05107837782607147e3,
                                 1.23033935479799725e3};
  static constexpr double D[] = {1.0,
                                 1.57449261107098347e1,
                                 1.17693950891312499e2,
                                 5.37181101862009858e2,
                                 1.62138957456669019e3,
                                 3.29079923573345963e3,
                                 4.36261909014324716e3,
                                 3.43936767414372164e3,
                                 1.23033935480374942e3};
  static constexpr double P[] = {1.63153871373020978e-2, 3.05326634961232344e-1,
                                 3.60344899949804439e-1, 1.25781726111229246e-1,
                                 1.60837851487422766e-2, 6.58749161529837803e-4};
  static constexpr double Q[] = {1.0,
                                 2.56852019228982242,
                                 1.87295284992346725,
                                 5.27905102951428412e-1,
                                 6.05183413124413191e-2,
                                 2.33520497626869185e-3};
  const Vec<T> a = vabs<T>(x), x2 = x * x;
  const Vec<T> near = x * horner<T>(x2, A) / horner<T>(x2, B);  // erf x
  const Vec<T> square = vexp<T>(-x2);
  const Vec<T> middle = flushed<T>(square * horner<T>(a, C)) / horner<T>(a, D);
  const Vec<T> w = T(1) / vmax<Vec<T>>(x2, all<T>(T(1)));
  const Vec<T> tail = w * horner<T>(w, P) / horner<T>(w, Q);
  const Vec<T> far = flushed<T>(square / a) * (T(0.56418958354775628695) - tail);
  const Vec<T> positive = flushed<T>(a > T(4) ? far : middle);
  const Vec<T> signed_value = x < T(0) ? T(2) - positive : positive;
  return a <= T(0.46875) ? T(1) - near : signed_value;
}

}  // namespace
