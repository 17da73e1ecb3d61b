// What stands before the first dense layer: the columns of a table become units of h⁽⁰⁾. Forward and
// backward side by side, for training (a batch in panels) and for prediction.
//
// Piecewise linear: for x in bin j, Vᵀ PLE(x) = C_j + fraction · V_j with C_j the sum of the rows of V
// before j, so a table of β_j, 1/width_j, C_j and V_j makes it O(units) a value; backward the two sums
// Σ ∂ℒ/∂e and Σ fraction ∂ℒ/∂e of each bin make ∂ℒ/∂V, of bin j the second, and the first of all
// bins after j.
#pragma once

#include "edges.hpp"
#include "finish.hpp"
#include "panels.hpp"
#include "transpose.hpp"
#include "vmath.hpp"

namespace {

using namespace clearprop;

// Entries of a table are read and written `kFields` at a time, for a whole vector of samples.
template <class T>
constexpr int kFields = Simd<T>::W < 8 ? Simd<T>::W : 8;

template <class T>
CP_INLINE int up_to_fields(int n) {
  return (n + kFields<T> - 1) / kFields<T> * kFields<T>;
}

// kFields entries from base + place[i] on, of each of W samples i: row[k] holds the k-th of them.
template <class T>
CP_INLINE void read_fields(const T* base, const int64_t* place, Vec<T> (&row)[kFields<T>]) {
  constexpr int W = Simd<T>::W, N = kFields<T>;
  if constexpr (W == N) {
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) row[i] = load<T>(base + place[i]);
  } else {
    static_assert(W == 2 * N);
    typedef T Half __attribute__((vector_size(kBytes / 2)));
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) {
      Half a, b;
      memcpy(&a, base + place[i], sizeof a);
      memcpy(&b, base + place[N + i], sizeof b);
      row[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
  }
  transpose_stage<T, N / 2>(row);
}

// The inverse: adds the entries to those in memory, sample by sample.
template <class T>
CP_INLINE void add_fields(T* base, const int64_t* place, Vec<T> (&row)[kFields<T>]) {
  constexpr int W = Simd<T>::W, N = kFields<T>;
  transpose_stage<T, N / 2>(row);
  if constexpr (W == N) {
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) store<T>(base + place[i], load<T>(base + place[i]) + row[i]);
  } else {
    typedef T Half __attribute__((vector_size(kBytes / 2)));
    auto add = [&](int64_t at, Half v) __attribute__((always_inline)) {
      Half sum;
      memcpy(&sum, base + at, sizeof sum);
      sum += v;
      memcpy(base + at, &sum, sizeof sum);
    };
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i)
      add(place[i], __builtin_shufflevector(row[i], row[i], 0, 1, 2, 3, 4, 5, 6, 7));
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i)
      add(place[N + i], __builtin_shufflevector(row[i], row[i], 8, 9, 10, 11, 12, 13, 14, 15));
  }
}

// ---- piecewise linear ---------------------------------------------------------------------------

template <class T>
CP_INLINE int record_size(int n_units) {
  return up_to_fields<T>(2 + 2 * n_units);
}

// The table of one column from its V.
template <class T>
void tabulate(const Part& part, const Column& column, const T* edges, const T* V, T* table) {
  const int d = part.n_units, size = record_size<T>(d);
  edges += column.edges, table += column.table;
  for (int j = 0; j < column.n; ++j, table += size, V += d) {
    table[0] = edges[j];
    const T width = edges[j + 1] - edges[j];  // 0 where edges are the same in T
    table[1] = width > T(0) ? T(1) / width : sizeof(T) == 4 ? T(1e38) : T(1e300);
    for (int u = 0; u < d; ++u) {
      table[2 + 2 * u] = j == 0 ? T(0) : table[2 + 2 * u - size] + V[u - d];
      table[3 + 2 * u] = V[u];
    }
  }
}

// x / sqrt(1 + (x/c)^2). Beyond 1e15 c it is c itself, and the square could overflow; infinity is NaN.
template <class T>
CP_INLINE Vec<T> smooth_clip(Vec<T> x, T inverse) {
  const Vec<T> far = all<T>(T(1e15) / inverse);
  const Vec<T> near = vmin(vmax(x, -far), far), r = near * inverse;
  return near / vsqrt(T(1) + r * r) + T(0) * x;
}

// The units of one column for W samples; bin: their numbers. Returns the fractions.
template <class T>
CP_INLINE Vec<T> piecewise(const T* table, int d, const int32_t* bin, Vec<T> x, T* out,
                           int64_t ld) {
  using V = Vec<T>;
  constexpr int W = Simd<T>::W, N = kFields<T>;
  const int size = record_size<T>(d);
  int64_t place[W];
  for (int i = 0; i < W; ++i) place[i] = int64_t(bin[i]) * size;
  V fraction{};
  for (int first = 0; first < 2 + 2 * d; first += N) {
    V row[N];
    read_fields<T>(table + first, place, row);
    if (first == 0) fraction = vmin<V>(vmax<V>((x - row[0]) * row[1], all<T>(T(-1))), all<T>(T(2)));
#pragma GCC unroll 4
    for (int k = 0; k < N; k += 2) {
      const int u = (first + k) / 2 - 1;
      if (u >= 0 && u < d) store<T>(out + u * ld, row[k] + fraction * row[k + 1]);
    }
  }
  return fraction;
}

// ---- periodic -----------------------------------------------------------------------------------

// sin(2πt) for |t| ≤ ¼, by its Taylor series
template <class T>
CP_INLINE Vec<T> sine_of_turn(Vec<T> t) {
  constexpr int terms = sizeof(T) == 4 ? 13 : 23;
  const Vec<T> y = t * T(6.28318530717958647692), y2 = y * y;
  Vec<T> sum = all<T>(kInverseFactorials<T>.of[terms] * T(terms % 4 == 1 ? 1 : -1));
#pragma GCC unroll 12
  for (int k = terms - 2; k >= 3; k -= 2)
    sum = sum * y2 + kInverseFactorials<T>.of[k] * T(k % 4 == 1 ? 1 : -1);
  return y + y * y2 * sum;
}

template <class T>
struct SineCosine {
  Vec<T> sin, cos;  // of 2πu
};

template <class T>
CP_INLINE SineCosine<T> sine_cosine(Vec<T> u) {
  constexpr T round = Constants<T>::round;
  Vec<T> r = u - ((u + round) - round);
  r = r - ((r + round) - round);  // once more, for u beyond the range of that trick
  const Vec<T> a = vabs<T>(r), quarter = all<T>(T(0.25)), half = all<T>(T(0.5));
  return {sine_of_turn<T>(a > quarter ? copysign<T>(half - a, r) : r),
          sine_of_turn<T>(quarter - a)};
}

// Where the arrays of a column lie from Column::theta on.
struct PeriodicArrays {
  int64_t w1, b1, W2, b2;
  int n1, n2, nW2;  // padded lengths
  template <class P>
  PeriodicArrays(const P& part, int lanes) {
    const auto padded = [lanes](int n) { return (n + lanes - 1) / lanes * lanes; };
    n1 = padded(part.n_frequencies), n2 = padded(part.n_units);
    nW2 = padded(part.n_frequencies * part.n_units);
    w1 = 0, b1 = n1, W2 = 2 * n1, b2 = W2 + nW2;
  }
};

constexpr double kInverseTurn = 0.15915494309189533577;

template <class T>
CP_INLINE Vec<T> turns(const T* w1, const T* b1, int f, Vec<T> x) {
  return x * w1[f] + b1[f] * T(kInverseTurn);
}

template <class T>
CP_INLINE void periodic(const Part& part, const T* theta, Vec<T> x, T* out, int64_t ld) {
  constexpr int kAtOnce = 8;
  const PeriodicArrays at(part, Simd<T>::W);
  const int d = part.n_units, K = part.n_frequencies;
  for (int u = 0; u < d; ++u) store<T>(out + u * ld, all<T>(theta[at.b2 + u]));
  for (int f0 = 0; f0 < K; f0 += kAtOnce) {
    const int m = K - f0 < kAtOnce ? K - f0 : kAtOnce;
    Vec<T> cos[kAtOnce];
    for (int i = 0; i < m; ++i)
      cos[i] = sine_cosine<T>(turns<T>(theta + at.w1, theta + at.b1, f0 + i, x)).cos;
    for (int u = 0; u < d; ++u) {
      Vec<T> sum = load<T>(out + u * ld);
      for (int i = 0; i < m; ++i) sum += cos[i] * theta[at.W2 + int64_t(u) * K + f0 + i];
      store<T>(out + u * ld, sum);
    }
  }
}

// ---- embedding ----------------------------------------------------------------------------------

template <class T>
CP_INLINE void embed(const T* E, int d, const T* x, T* out, int64_t ld) {
  constexpr int W = Simd<T>::W, N = kFields<T>;
  int64_t place[W];
  for (int i = 0; i < W; ++i) place[i] = int64_t(x[i]) * d;
  for (int first = 0; first < d; first += N) {
    Vec<T> row[N];
    read_fields<T>(E + first, place, row);
#pragma GCC unroll 8
    for (int k = 0; k < N; ++k)
      if (first + k < d) store<T>(out + (first + k) * ld, row[k]);
  }
}

// ---- embedding bag ------------------------------------------------------------------------------

// A row's codes other than 0 of a text, of sample i: 1/√n, 0 for none.
template <class T>
CP_INLINE T weight_of_codes(const T* x, int n_codes, int64_t ld) {
  int n = 0;
  for (int t = 0; t < n_codes; ++t) n += x[t * ld] != T(0);
  return n > 0 ? T(1) / vsqrt(all<T>(T(n)))[0] : T(0);
}

// W samples: the sum of the rows of G for a sample's codes, code c in row c − 1, divided by √n.
template <class T>
CP_INLINE void embed_bag(const T* G, int d, int n_codes, const T* x, T* out, int64_t ld) {
  constexpr int W = Simd<T>::W, N = kFields<T>;
  typedef T Fields __attribute__((vector_size(N * sizeof(T))));
  for (int i = 0; i < W; ++i) {
    const T weight = weight_of_codes<T>(x + i, n_codes, ld);
    for (int first = 0; first < d; first += N) {
      Fields sum{};
      for (int t = 0; t < n_codes; ++t) {
        const auto code = static_cast<int64_t>(x[t * ld + i]);
        if (code == 0) continue;
        Fields row;
        memcpy(&row, G + (code - 1) * d + first, sizeof row);
        sum += row;
      }
      sum *= weight;
      for (int k = 0; k < N && first + k < d; ++k) out[(first + k) * ld + i] = sum[k];
    }
  }
}

// ---- all of them, forward -------------------------------------------------------------------------

// Units of h⁽⁰⁾ before the scale from columns of X. Both have `ld` samples per unit, of which the first
// `lanes` are computed. `bin`, if given, keeps the bins; with `bins_known` they are read from it.
template <class T>
void front_units(const Front<T>& front, const T* theta, const T* x, T* out, int64_t ld, int lanes,
                 T* fraction, int32_t* bin, bool bins_known) {
  constexpr int W = Simd<T>::W;
  for (int q = 0; q < front.n_parts; ++q) {
    const Part& part = front.parts[q];
    for (int c = 0; c < part.n; ++c) {
      const T* from = x + (part.first + int64_t(c) * part.n_codes) * ld;
      T* units = out + (part.trained + int64_t(c) * part.n_units) * ld;
      T* itself = out + int64_t(part.fixed + c) * ld;
      if (part.kind == Kind::identity) {
        memcpy(itself, from, lanes * sizeof(T));
        continue;
      }
      const Column& column = front.columns[part.column + c];
      if (part.kind == Kind::embedding) {
        for (int v = 0; v < lanes; v += W)
          embed<T>(theta + column.theta, part.n_units, from + v, units + v, ld);
      } else if (part.kind == Kind::embedding_bag) {
        for (int v = 0; v < lanes; v += W)
          embed_bag<T>(theta + column.theta, part.n_units, part.n_codes, from + v, units + v, ld);
      } else if (part.kind == Kind::periodic) {
        for (int v = 0; v < lanes; v += W)
          periodic<T>(part, theta + column.theta, load<T>(from + v), units + v, ld);
        memcpy(itself, from, lanes * sizeof(T));
      } else {
        const T* table = front.tables + column.table;
        const T inverse = T(1 / part.clip);
        int32_t own[W], *number = bin ? bin + column.binned * ld : own;
        for (int v = 0; v < lanes; v += W) {
          const Vec<T> value = load<T>(from + v);
          if (bin) number = bin + column.binned * ld + v;
          if (!bins_known) find_bins<W>(front.edges + column.edges, column.n, from + v, number);
          const Vec<T> f = piecewise<T>(table, part.n_units, number, value, units + v, ld);
          if (fraction) store<T>(fraction + column.binned * ld + v, f);
          store<T>(itself + v, smooth_clip<T>(value, inverse));
        }
      }
    }
  }
}

// ---- training -------------------------------------------------------------------------------------

// Panel p of the batch: its columns of X in x, its units in h⁽⁰⁾.
template <class T>
void front_forward(const Step<T>& s, int p) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Front<T>& front = s.front;
  const int n = samples_of(s, p), lanes = lanes_of(s, p), columns = s.front.stride;
  const T* row[NR];
  const uint8_t* bins[NR];  // samples that do not exist: of any bin
  for (int i = 0; i < NR; ++i) {
    const int64_t number = i < n ? row_number(s, p * NR + i) : 0;
    row[i] = i < n ? s.data.X + number * s.data.ld : nullptr;
    bins[i] = front.bins ? front.bins + number * front.n_binned : nullptr;
  }
  T* x = s.x + int64_t(p) * columns * NR;
  const int n_columns = int(s.data.ld);
  for (int j = 0; j < n_columns; j += W)
    for (int v = 0; v < lanes; v += W)
      transpose_rows<T>(row + v, j, n_columns - j, x + j * NR + v, NR);
  int32_t* bin = front.bin + int64_t(p) * front.n_binned * NR;
  if (front.bins)
    for (int c = 0; c < front.n_binned; ++c)
      for (int i = 0; i < lanes; ++i) bin[c * NR + i] = bins[i][c];
  front_units<T>(front, s.theta, x, s.h[0] + int64_t(p) * s.layers[0].n_in * NR, NR, lanes,
                 front.fraction + int64_t(p) * front.n_binned * NR, bin, front.bins != nullptr);
}

// Calls f with each panel p and place v of a vector of samples in it.
template <class T, class F>
CP_INLINE void each_vector(const Step<T>& s, F&& f) {
  for (int p = 0; p < s.n_panels; ++p)
    for (int v = 0; v < lanes_of(s, p); v += Simd<T>::W) f(p, v);
}

template <class T>
void piecewise_weights(const Step<T>& s, const Part& part, const Column& column, int unit,
                       T* scratch, Finish<T>& finish) {
  using V = Vec<T>;
  constexpr int W = Simd<T>::W, NR = kPanel<T>, N = kFields<T>;
  const int d = part.n_units, size = up_to_fields<T>(2 * d);
  T* sums = scratch;
  T* g = scratch + int64_t(column.n) * size;
  memset(sums, 0, size_t(column.n) * size * sizeof(T));
  each_vector(s, [&](int p, int v) __attribute__((always_inline)) {
    const T* dh = s.front.dh + (int64_t(p) * s.front.n_trained + unit) * NR + v;
    const int64_t at = (int64_t(p) * s.front.n_binned + column.binned) * NR + v;
    const V fraction = load<T>(s.front.fraction + at);
    int64_t place[W];
    for (int i = 0; i < W; ++i) place[i] = int64_t(s.front.bin[at + i]) * size;
    for (int first = 0; first < 2 * d; first += N) {
      V row[N];
#pragma GCC unroll 4
      for (int k = 0; k < N; k += 2) {
        const int u = (first + k) / 2;
        row[k] = u < d ? load<T>(dh + u * NR) : V{};
        row[k + 1] = row[k] * fraction;
      }
      add_fields<T>(sums + first, place, row);
    }
  });
  for (int u = 0; u < d; ++u) {
    T after(0);
    for (int j = column.n - 1; j >= 0; --j) {
      g[int64_t(j) * d + u] = sums[int64_t(j) * size + 2 * u + 1] + after;
      after += sums[int64_t(j) * size + 2 * u];
    }
  }
  const int n = column.n * d, lanes = (n + W - 1) / W * W;
  for (int i = n; i < lanes; ++i) g[i] = 0;
  finish.use(kV);
  finish.weights(column.theta, 0, g, 0, 1, lanes);
}

template <class T>
void periodic_weights(const Step<T>& s, const Part& part, const Column& column, int c, T* scratch,
                      Finish<T>& finish) {
  using V = Vec<T>;
  constexpr int W = Simd<T>::W, NR = kPanel<T>, kAtOnce = 8;
  const PeriodicArrays at(part, W);
  const int d = part.n_units, K = part.n_frequencies, unit = part.trained + c * d;
  const T *theta = s.theta + column.theta, *W2 = theta + at.W2;
  T* g = scratch;
  memset(g, 0, (at.b2 + at.n2) * sizeof(T));
  for (int u0 = 0; u0 < d; u0 += kAtOnce) {
    const int m = d - u0 < kAtOnce ? d - u0 : kAtOnce;
    for (int f = 0; f < K; ++f) {
      V of_w1{}, of_b1{}, of_W2[kAtOnce] = {};
      each_vector(s, [&](int p, int v) __attribute__((always_inline)) {
        const V x = load<T>(s.x + (int64_t(p) * s.front.stride + part.first + c) * NR + v);
        const T* de = s.front.dh + (int64_t(p) * s.front.n_trained + unit) * NR + v;
        const auto [sin, cos] = sine_cosine<T>(turns<T>(theta + at.w1, theta + at.b1, f, x));
        for (int u = 0; u < m; ++u) of_W2[u] += load<T>(de + (u0 + u) * NR) * cos;
        if (u0 > 0) return;
        V dcos{};
        for (int u = 0; u < d; ++u) dcos += load<T>(de + u * NR) * W2[int64_t(u) * K + f];
        const V dz = dcos * sin;  // but for the sign
        of_w1 -= dz * x;
        of_b1 -= dz;
      });
      for (int u = 0; u < m; ++u) g[at.W2 + int64_t(u0 + u) * K + f] = vsum<T>(of_W2[u]);
      if (u0 > 0) continue;
      g[at.w1 + f] = T(6.28318530717958647692) * vsum<T>(of_w1);
      g[at.b1 + f] = vsum<T>(of_b1);
    }
  }
  for (int u = 0; u < d; ++u) {
    V sum{};
    each_vector(s, [&](int p, int v) __attribute__((always_inline)) {
      sum += load<T>(s.front.dh + (int64_t(p) * s.front.n_trained + unit + u) * NR + v);
    });
    g[at.b2 + u] = vsum<T>(sum);
  }
  finish.use(kW1), finish.weights(column.theta + at.w1, 0, g + at.w1, 0, 1, at.n1);
  finish.use(kB1), finish.parameters(column.theta + at.b1, g + at.b1, at.n1);
  finish.use(kW2), finish.weights(column.theta + at.W2, 0, g + at.W2, 0, 1, at.nW2);
  finish.use(kB2), finish.parameters(column.theta + at.b2, g + at.b2, at.n2);
}

template <class T>
void embedding_weights(const Step<T>& s, const Part& part, const Column& column,
                       const FrontItem& item, T* scratch, Finish<T>& finish) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const int d = part.n_units, c = item.column, lanes = (item.n * d + W - 1) / W * W;
  T* g = scratch;
  memset(g, 0, lanes * sizeof(T));
  for (int p = 0; p < s.n_panels; ++p) {
    const T* x = s.x + (int64_t(p) * s.front.stride + part.first + c) * NR;
    const T* dh = s.front.dh + (int64_t(p) * s.front.n_trained + part.trained + c * d) * NR;
    for (int i = 0; i < samples_of(s, p); ++i) {
      const int category = int(x[i]) - item.first;
      if (category < 0 || category >= item.n) continue;
      for (int u = 0; u < d; ++u) g[int64_t(category) * d + u] += dh[u * NR + i];
    }
  }
  finish.use(kE);
  finish.weights(column.theta + int64_t(item.first) * d, 0, g, 0, 1, lanes);
}

template <class T>
void embedding_bag_weights(const Step<T>& s, const Part& part, const Column& column,
                           const FrontItem& item, T* scratch, Finish<T>& finish) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const int d = part.n_units, c = item.column, lanes = (item.n * d + W - 1) / W * W;
  T *g = scratch, *weighted = scratch + lanes;
  memset(g, 0, lanes * sizeof(T));
  for (int p = 0; p < s.n_panels; ++p) {
    const int64_t first = int64_t(p) * s.front.stride + part.first + int64_t(c) * part.n_codes;
    const T* x = s.x + first * NR;
    const T* dh = s.front.dh + (int64_t(p) * s.front.n_trained + part.trained + c * d) * NR;
    for (int i = 0; i < samples_of(s, p); ++i) {
      const T weight = weight_of_codes<T>(x + i, part.n_codes, NR);
      if (weight == T(0)) continue;
      for (int u = 0; u < d; ++u) weighted[u] = weight * dh[u * NR + i];
      for (int t = 0; t < part.n_codes; ++t) {
        const int row = int(x[t * NR + i]) - 1 - item.first;
        if (row < 0 || row >= item.n) continue;
        T* sum = g + int64_t(row) * d;
        for (int u = 0; u < d; ++u) sum[u] += weighted[u];
      }
    }
  }
  finish.use(kG);
  finish.weights(column.theta + int64_t(item.first) * d, 0, g, 0, 1, lanes);
}

template <class T>
void renew_front(const Step<T>& s, const FrontItem& item) {
  const Part& part = s.front.parts[item.part];
  const Column& column = s.front.columns[part.column + item.column];
  if (part.kind == Kind::piecewise_linear)
    tabulate<T>(part, column, s.front.edges, s.theta + column.theta, s.front.tables);
}

template <class T>
void front_weights(const Step<T>& s, const FrontItem& item, T* scratch, Finish<T>& finish) {
  const Part& part = s.front.parts[item.part];
  const Column& column = s.front.columns[part.column + item.column];
  if (part.kind == Kind::piecewise_linear) {
    const int unit = part.trained + item.column * part.n_units;
    piecewise_weights<T>(s, part, column, unit, scratch, finish);
    if (!s.gradient) renew_front<T>(s, item);
  } else if (part.kind == Kind::periodic) {
    periodic_weights<T>(s, part, column, item.column, scratch, finish);
  } else if (part.kind == Kind::embedding) {
    embedding_weights<T>(s, part, column, item, scratch, finish);
  } else {
    embedding_bag_weights<T>(s, part, column, item, scratch, finish);
  }
}

}  // namespace
