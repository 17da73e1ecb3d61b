// Vectors of floats or doubles, as wide as the instruction set this file is compiled for.
//
// Included only by kernels.cpp, which is compiled once per instruction set. Everything is in an
// anonymous namespace, and no inline function of the standard library is used, so that no code
// for a newer instruction set can reach other code through the linker.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

template <class T>
struct Bits;
template <>
struct Bits<float> {
  using Int = int32_t;
  static constexpr int mantissa = 23, bias = 127;
};
template <>
struct Bits<double> {
  using Int = int64_t;
  static constexpr int mantissa = 52, bias = 1023;
};

template <class T>
struct Simd {
  static constexpr int W = kBytes / sizeof(T);
  using Int = typename Bits<T>::Int;
  typedef T V __attribute__((vector_size(kBytes)));
  typedef Int I __attribute__((vector_size(kBytes)));  // also the type of comparisons: 0 or −1
};
template <class T>
using Vec = typename Simd<T>::V;
template <class T>
using IVec = typename Simd<T>::I;

template <class T>
constexpr int kPanel = 2 * Simd<T>::W;  // samples to a panel

#define CP_INLINE inline __attribute__((always_inline))

template <class T>
CP_INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  memcpy(&v, p, kBytes);
  return v;
}
// n < W lanes of p, then 0
template <class T>
CP_INLINE Vec<T> load_first(const T* p, int n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return (Vec<T>)_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p);
  else
    return (Vec<T>)_mm512_maskz_loadu_pd(__mmask8((1u << n) - 1), p);
#else
  Vec<T> v{};
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}
// Denormals as 0 with their sign, where the processor has no mode that does this (see denormals.hpp).
// It is done where numbers are stored, and within functions whose values may be so small.
template <class T>
CP_INLINE Vec<T> flushed(Vec<T> v) {
#if defined(__wasm__)
  constexpr auto sign = typename Bits<T>::Int(typename Bits<T>::Int(1) << (8 * sizeof(T) - 1));
  constexpr T least = sizeof(T) == 4 ? T(0x1p-126) : T(0x1p-1022);
  IVec<T> i;
  memcpy(&i, &v, kBytes);
  const IVec<T> magnitude = i & ~sign;
  Vec<T> a;
  memcpy(&a, &magnitude, kBytes);
  i &= ~((a < least) & ~sign);
  memcpy(&v, &i, kBytes);
#endif
  return v;
}
template <class T>
CP_INLINE void store(T* p, Vec<T> v) {
  v = flushed<T>(v);
  memcpy(p, &v, kBytes);
}
template <class T, int... I>
CP_INLINE Vec<T> all(T x, std::integer_sequence<int, I...>) {
  return Vec<T>{((void)I, x)...};  // unlike 0 + x, this is one broadcasting load
}
template <class T>
CP_INLINE Vec<T> all(T x) {
  return all<T>(x, std::make_integer_sequence<int, Simd<T>::W>{});
}
template <class T>
CP_INLINE IVec<T> bits(Vec<T> v) {
  IVec<T> i;
  memcpy(&i, &v, kBytes);
  return i;
}
template <class T>
CP_INLINE Vec<T> from_bits(IVec<T> i) {
  Vec<T> v;
  memcpy(&v, &i, kBytes);
  return v;
}
// NaN in `a` is kept by max(a, b) and min(a, b).
template <class V>
CP_INLINE V vmax(V a, V b) {  // the instruction gives back its second operand where one is NaN
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<V, Vec<float>>)
    return (V)_mm512_maskz_max_ps(0xFFFF, (__m512)b, (__m512)a);
  if constexpr (std::is_same_v<V, Vec<double>>)
    return (V)_mm512_maskz_max_pd(0xFF, (__m512d)b, (__m512d)a);
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<V, Vec<float>>) return (V)_mm256_max_ps((__m256)b, (__m256)a);
  if constexpr (std::is_same_v<V, Vec<double>>) return (V)_mm256_max_pd((__m256d)b, (__m256d)a);
#endif
  return a < b ? b : a;
}
template <class V>
CP_INLINE V vmin(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<V, Vec<float>>)
    return (V)_mm512_maskz_min_ps(0xFFFF, (__m512)b, (__m512)a);
  if constexpr (std::is_same_v<V, Vec<double>>)
    return (V)_mm512_maskz_min_pd(0xFF, (__m512d)b, (__m512d)a);
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<V, Vec<float>>) return (V)_mm256_min_ps((__m256)b, (__m256)a);
  if constexpr (std::is_same_v<V, Vec<double>>) return (V)_mm256_min_pd((__m256d)b, (__m256d)a);
#endif
  return a > b ? b : a;
}
template <class T>
CP_INLINE IVec<T> sign_bit() {
  using Int = typename Bits<T>::Int;
  return IVec<T>{} + Int(Int(1) << (8 * sizeof(T) - 1));
}
template <class T>
CP_INLINE Vec<T> vabs(Vec<T> v) {
  return from_bits<T>(bits<T>(v) & ~sign_bit<T>());
}
// |a| with the sign of s
template <class T>
CP_INLINE Vec<T> copysign(Vec<T> a, Vec<T> s) {
  const IVec<T> sign = sign_bit<T>();
  return from_bits<T>((bits<T>(a) & ~sign) | (bits<T>(s) & sign));
}

CP_INLINE Vec<float> vsqrt(Vec<float> v) {
#if defined(__AVX512F__)
  return (Vec<float>)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
  return (Vec<float>)_mm256_sqrt_ps((__m256)v);
#elif defined(__SSE2__)
  return (Vec<float>)_mm_sqrt_ps((__m128)v);
#elif defined(__wasm__)
  return __builtin_elementwise_sqrt(v);
#else
  for (int i = 0; i < Simd<float>::W; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}
CP_INLINE Vec<double> vsqrt(Vec<double> v) {
#if defined(__AVX512F__)
  return (Vec<double>)_mm512_sqrt_pd((__m512d)v);
#elif defined(__AVX2__)
  return (Vec<double>)_mm256_sqrt_pd((__m256d)v);
#elif defined(__SSE2__)
  return (Vec<double>)_mm_sqrt_pd((__m128d)v);
#elif defined(__wasm__)
  return __builtin_elementwise_sqrt(v);
#else
  for (int i = 0; i < Simd<double>::W; ++i) v[i] = __builtin_sqrt(v[i]);
  return v;
#endif
}

// Sum of the lanes, always in the same order: halves, quarters, …
template <class T>
CP_INLINE T vsum(Vec<T> v) {
  T lane[Simd<T>::W];
  memcpy(lane, &v, kBytes);
  for (int n = Simd<T>::W / 2; n > 0; n /= 2)
    for (int i = 0; i < n; ++i) lane[i] += lane[i + n];
  return lane[0];
}

}  // namespace
