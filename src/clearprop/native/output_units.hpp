// The output units: the list of them, ℒ with ∂ℒ/∂z side by side, and ŷ = f(z), for a vector of
// samples at a time: the records of outputs/ in C++.
#pragma once

#include "job.hpp"

// Every output unit with the number of constants in its formulas: kSome is one or more, kSizes the
// sizes of groups, which add up to K.
#define CP_OUTPUTS(X)          \
  X(linear, 0)                 \
  X(absolute_error, 0)         \
  X(huber, 1)                  \
  X(quantile, kSome)           \
  X(gaussian, 0)               \
  X(poisson, 0)                \
  X(gamma, 0)                  \
  X(tweedie, 1)                \
  X(negative_binomial, 2)      \
  X(logistic, 0)               \
  X(logistic_squared_error, 0) \
  X(ordinal, 0)                \
  X(softmax, kSizes)

namespace clearprop {

static constexpr int kSome = -1, kSizes = -2;

#define CP_ENTRY(name, n_constants) name,
enum class Out : int { CP_OUTPUTS(CP_ENTRY) };
#undef CP_ENTRY

struct OutputInfo {
  const char* name;
  int n_constants;
};
#define CP_ENTRY(name, n_constants) {#name, n_constants},
static constexpr OutputInfo kOutputs[] = {CP_OUTPUTS(CP_ENTRY)};
#undef CP_ENTRY

}  // namespace clearprop

#if defined(CLEARPROP_ISA)  // what is compiled once per instruction set

#include "simd.hpp"
#include "vmath.hpp"

namespace {

using namespace clearprop;

template <class T>
struct Lane {  // the operands of an output unit: one vector of samples
  const Output& o;
  int K;
  T* z;           // z, then ∂ℒ/∂z; unit k at z[k·NR]
  const T* t;     // targets, unit k at t[k·NR]
  Vec<T> weight;  // of each sample in the mean
};

template <class T>
CP_INLINE Vec<T> entropy_term(Vec<T> t) {  // t log t, 0 at 0
  return t > T(0) ? t * vlog<T>(vmax<Vec<T>>(t, all<T>(T(1e-37)))) : Vec<T>{};
}

// ℒ of the samples; ∂ℒ/∂z over z, times the sample's weight in the mean.
template <class T>
Vec<T> output_loss(Lane<T> lane) {
  using V = Vec<T>;
  constexpr int NR = kPanel<T>;
  V loss{};
  const V zero{};
  auto each = [&](auto&& f) {
    for (int k = 0; k < lane.K; ++k) {
      V slope;
      loss += f(k, load<T>(lane.z + k * NR), load<T>(lane.t + k * NR), slope);
      store<T>(lane.z + k * NR, slope * lane.weight);
    }
  };
  switch (lane.o.kind) {
    case Out::linear:
      each([&](int, V z, V t, V& slope) {
        slope = z - t;
        return T(0.5) * slope * slope;
      });
      break;
    case Out::absolute_error:
      each([&](int, V z, V t, V& slope) {
        const V r = z - t;
        slope = r == T(0) ? r : copysign<T>(all<T>(T(1)), r);
        return vabs<T>(r);
      });
      break;
    case Out::huber: {
      const V delta = all<T>(T(lane.o.constants[0]));
      each([&](int, V z, V t, V& slope) {
        const V r = z - t, a = vabs<T>(r), c = vmin<V>(a, delta);
        slope = copysign<T>(c, r);
        return T(0.5) * c * c + delta * (a - c);
      });
      break;
    }
    case Out::quantile:
      each([&](int k, V z, V t, V& slope) {
        const V r = t - z, q = all<T>(T(lane.o.constants[k % lane.o.n_constants]));
        slope = r < T(0) ? T(1) - q : (r > T(0) ? -q : r);
        return vmax<V>(q * r, (q - T(1)) * r);
      });
      break;
    case Out::gaussian:  // z = (μ, s), s = log σ², side by side
      for (int k = 0; k < lane.K; k += 2) {
        T* z = lane.z + k * NR;
        const V s = load<T>(z + NR), r = load<T>(z) - load<T>(lane.t + k * NR);
        const V first = r == T(0) ? zero : r * vexp<T>(-s), square = first * r;
        loss += T(0.5) * (s + square) + T(0.91893853320467274178);  // ½ log 2π
        store<T>(z, first * lane.weight);
        store<T>(z + NR, T(0.5) * (T(1) - square) * lane.weight);
      }
      break;
    case Out::poisson:
      each([&](int, V z, V t, V& slope) {
        const V y = vexp<T>(z);
        slope = y - t;
        return y - t * z + (entropy_term<T>(t) - t);
      });
      break;
    case Out::gamma:
      each([&](int, V z, V t, V& slope) {
        const V ratio = t * vexp<T>(-z);  // t / ŷ
        slope = T(1) - ratio;
        return (z - vlog<T>(t)) + (ratio - T(1));
      });
      break;
    case Out::tweedie: {
      const T a = T(2 - lane.o.constants[0]), b = T(lane.o.constants[0] - 1);
      each([&](int, V z, V t, V& slope) {
        const V power = vexp<T>(a * z);                        // ŷ^(2−p)
        const V rest = t > T(0) ? t * vexp<T>(-b * z) : zero;  // t ŷ^(1−p)
        const V log_t = vlog<T>(vmax<V>(t, all<T>(T(1e-37))));
        slope = power - rest;
        return power / a + rest / b - (t > T(0) ? vexp<T>(a * log_t) : zero) / (a * b);
      });
      break;
    }
    case Out::negative_binomial: {  // u = log αŷ, v = log αt; the second constant is log α
      const T alpha = T(lane.o.constants[0]), log_alpha = T(lane.o.constants[1]);
      each([&](int, V z, V t, V& slope) {
        const V u = z + log_alpha, v = vlog<T>(vmax<V>(alpha * t, all<T>(T(1e-37))));
        slope = vsigmoid<T>(u) / alpha - t * vsigmoid<T>(-u);
        const V ones = vsoftplus<T>(-u) - vsoftplus<T>(-v);
        return t * ones + (vsoftplus<T>(u) - vsoftplus<T>(v)) / alpha;
      });
      break;
    }
    case Out::logistic:
      each([&](int, V z, V t, V& slope) {
        const V e = vexp<T>(-vabs<T>(z)), r = T(1) / (T(1) + e);
        slope = (z < T(0) ? e * r : r) - t;
        return vmax<V>(z, zero) * (T(1) - t) - vmin<V>(z, zero) * t + vlog1p<T>(e);
      });
      break;
    case Out::logistic_squared_error:
      each([&](int, V z, V t, V& slope) {
        const V e = vexp<T>(-vabs<T>(z)), r = T(1) / (T(1) + e), rest = e * r;
        const V d = (z < T(0) ? rest : r) - t;
        slope = r * rest * d;
        return T(0.5) * d * d;
      });
      break;
    case Out::ordinal: {  // cut points c fall from output to output; t is 1 below the class
      const V one = all<T>(T(1));
      V c{}, before = one, sum{}, next{};
      for (int k = 0; k < lane.K; ++k) {
        const V z = load<T>(lane.z + k * NR), t = load<T>(lane.t + k * NR);
        const V after = k + 1 < lane.K ? load<T>(lane.t + (k + 1) * NR) : zero;
        c = k == 0 ? z : c - vsoftplus<T>(z);
        loss += (t - after) * vsoftplus<T>(-c) + (before - t) * vsoftplus<T>(c);
        if (k > 0) loss += (before - t) * vsoftplus<T>(-z);
        before = t;
      }
      for (int k = lane.K - 1; k >= 0; --k) {
        const V z = load<T>(lane.z + k * NR), t = load<T>(lane.t + k * NR);
        const V above = (k > 0 ? load<T>(lane.t + (k - 1) * NR) : one) - t;
        sum += above * vsigmoid<T>(c) - (t - next) * vsigmoid<T>(-c);
        const V slope = k == 0 ? sum : -vsigmoid<T>(z) * sum - above * vsigmoid<T>(-z);
        store<T>(lane.z + k * NR, slope * lane.weight);
        if (k > 0) c += vsoftplus<T>(z);
        next = t;
      }
      break;
    }
    case Out::softmax:
      for (int g = 0, first = 0, last; g < lane.o.n_constants; ++g, first = last) {
        last = first + int(lane.o.constants[g]);
        V top = load<T>(lane.z + first * NR);
        for (int k = first + 1; k < last; ++k) top = vmax<V>(load<T>(lane.z + k * NR), top);
        V sum{}, inner{}, mass{};
        for (int k = first; k < last; ++k) {
          const V z = load<T>(lane.z + k * NR) - top, e = vexp<T>(z), t = load<T>(lane.t + k * NR);
          sum += e;
          mass += t;
          inner += t == T(0) ? zero : t * z;
          store<T>(lane.z + k * NR, e);
        }
        loss += mass * vlog<T>(sum) - inner;
        const V scale = T(1) / sum;
        for (int k = first; k < last; ++k) {
          T* z = lane.z + k * NR;
          store<T>(z, (load<T>(z) * scale - load<T>(lane.t + k * NR)) * lane.weight);
        }
      }
      break;
  }
  return loss;
}

// ŷ = f(z) in place, for one vector of samples; unit k at z[k·NR].
template <class T>
void output_units(const Output& o, int K, T* z, int64_t NR) {
  using V = Vec<T>;
  auto each = [&](int first, int last, auto&& f) {
    for (int k = first; k < last; ++k) store<T>(z + k * NR, f(load<T>(z + k * NR)));
  };
  switch (o.kind) {
    case Out::linear:
    case Out::absolute_error:
    case Out::huber:
    case Out::quantile: break;
    case Out::gaussian:
      for (int k = 1; k < K; k += 2) each(k, k + 1, [](V x) { return vexp<T>(T(0.5) * x); });
      break;
    case Out::gamma:
    case Out::tweedie:
    case Out::negative_binomial:
    case Out::poisson: each(0, K, [](V x) { return vexp<T>(x); }); break;
    case Out::logistic:
    case Out::logistic_squared_error: each(0, K, [](V x) { return vsigmoid<T>(x); }); break;
    case Out::ordinal: {
      V c{};
      for (int k = 0; k < K; ++k) {
        const V x = load<T>(z + k * NR);
        c = k == 0 ? x : c - vsoftplus<T>(x);
        store<T>(z + k * NR, vsigmoid<T>(c));
      }
      break;
    }
    case Out::softmax:
      for (int g = 0, first = 0, last; g < o.n_constants; ++g, first = last) {
        last = first + int(o.constants[g]);
        V top = load<T>(z + first * NR), sum{};
        for (int k = first + 1; k < last; ++k) top = vmax<V>(load<T>(z + k * NR), top);
        each(first, last, [&](V x) {
          const V e = vexp<T>(x - top);
          sum += e;
          return e;
        });
        const V scale = T(1) / sum;
        each(first, last, [&](V x) { return x * scale; });
      }
      break;
  }
}

}  // namespace

#endif
