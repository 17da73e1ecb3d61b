// Panels of samples: the batch gathered into them, and the passes over one of them.
#pragma once

#include "activations.hpp"
#include "job.hpp"
#include "output_units.hpp"
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

// Whether the inputs of a layer are rows of X as they are, which lie in x one under the other.
template <class T>
bool is_rows_of_X(const Step<T>& s, int l) {
  return l == 0 && s.front.n_parts == 0;
}

// How many inputs apart the panels of h of a layer are.
template <class T>
int inputs_of_panel(const Step<T>& s, int l) {
  return is_rows_of_X(s, l) ? s.layers[0].stride : s.layers[l].n_in;
}

// Whether ∂ℒ/∂W of a layer is computed by dot products along the samples (see weights.hpp), which then
// take fewer vector operations than products along the inputs.
template <class T>
bool by_dots(const Step<T>& s, int l) {
  constexpr int W = Simd<T>::W;
  const Layer& layer = s.layers[l];
  const double n = s.n, vectors = (s.n + W - 1) / W, n_in = layer.n_in, n_out = layer.n_out;
  const double turn = is_rows_of_X(s, l) ? 0 : 3.5 * n * n_in / W;
  return 1.1 * n_in * n_out * (vectors + 3.5) < n * ((layer.n_in + W - 1) / W) * n_out + turn;
}

// ---- gathering ----------------------------------------------------------------------------------

template <class T>
int64_t row_number(const Step<T>& s, int64_t at) {
  return s.rows ? s.rows[at] : s.first + at;
}

// The rows of panel `p` of the batch, one under the other in x.
template <class T>
void copy_rows(const Step<T>& s, int p, int n) {
  constexpr int NR = kPanel<T>;
  const Layer& first = s.layers[0];
  T* x = s.x + int64_t(p) * NR * first.stride;
  for (int i = 0; i < n; ++i) {
    const int64_t row = row_number(s, p * NR + i);
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
}

// The rows of panel `p` of the batch in the panel h[0]; in x as well where ∂ℒ/∂W will want rows.
template <class T>
void gather(const Step<T>& s, int p) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Layer& first = s.layers[0];
  const int n = samples_of(s, p);
  const bool copied = s.data.indptr || !by_dots(s, 0);
  if (copied) copy_rows(s, p, n);
  const T* row[NR];
  for (int i = 0; i < NR; ++i)
    row[i] = copied ? s.x + (int64_t(p) * NR + i) * first.stride
             : i < n ? s.data.X + row_number(s, p * NR + i) * s.data.ld : nullptr;
  T* out = s.h[0] + int64_t(p) * first.stride * NR;
  for (int j = 0; j < first.n_in; j += W)
    for (int v = 0; v < (n > W ? 2 : 1); ++v)
      transpose_rows<T>(row + v * W, j, first.n_in - j, out + j * NR + v * W, NR);
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

// h = z + α(φ(z) − z) for n units, each with its own α; d = ∂h/∂z, q = ∂h/∂α.
template <class T>
void activate_slopes(Act act, const T* alpha, T* h, T* d, T* q, int n) {
  constexpr int NR = kPanel<T>;
  with_activation(act, [&]<Act a>() {
    for (int j = 0; j < n; ++j)
      for (int64_t i = j * NR; i < (j + 1) * NR; i += Simd<T>::W) {
        Vec<T> slope{};
        const Vec<T> z = load<T>(h + i);
        const Vec<T> value = phi<T, a>(z, derivative_from_h(a) ? nullptr : &slope);
        if constexpr (derivative_from_h(a)) slope = dphi<T, a>(value);
        const Vec<T> more = value - z;
        store<T>(h + i, z + alpha[j] * more);
        store<T>(d + i, T(1) + alpha[j] * (slope - T(1)));
        store<T>(q + i, more);
      }
  });
}

constexpr int kMaskUnits = 16;  // of one block of random numbers

// The dropout masks of a panel, of which it makes those of `kMaskUnits` units at a time, from the
// first on.
template <class T>
class Masks {
 public:
  using Int = typename Simd<T>::Int;

  Masks(const Step<T>& s, const Layer& layer, int p)
      : philox_{{s.seed, uint64_t(layer.dropout_index)}}, step_(s.number), H_(layer.n_out),
        threshold_(layer.dropout), n_(samples_of(s, p)),
        start_(uint64_t(s.before + p * kPanel<T>) * layer.n_out) {}

  // Multiplies the units j … j + m of h, and of d and q if they are there.
  void apply(int j, int m, T* h, T* d, T* q) {
    constexpr int W = Simd<T>::W, NR = kPanel<T>;
    const Vec<T> keep = all<T>(T(65536.0 / (65536 - threshold_)));
    alignas(kBytes) Int bits[NR] = {};
    for (int i = 0; i < n_; ++i) bits[i] = bits_of(i, start_ + uint64_t(i) * H_ + j, j == 0, m);
    for (int v = 0; v < NR && v < n_; v += W) {
      IVec<T> words;
      memcpy(&words, bits + v, kBytes);
      for (int u = 0; u < m; ++u) {
        const int64_t at = u * NR + v;
        const Vec<T> mask = (words & Int(1 << u)) != 0 ? keep : Vec<T>{};
        store<T>(h + at, load<T>(h + at) * mask);
        if (d) store<T>(d + at, load<T>(d + at) * mask);
        if (q) store<T>(q + at, load<T>(q + at) * mask);
      }
    }
  }

 private:
  // Bit u: whether unit u of the next m is kept, for sample i, whose numbers begin with number `at`;
  // they lie in one block, or at the end of one, which is still there, and in the next.
  Int bits_of(int i, uint64_t at, bool first, int m) {
    const int offset = int(at % kMaskUnits);
    const uint64_t block = at / kMaskUnits;
    const uint32_t low = first || offset == 0 ? block_bits(block) : last_[i];
    if (offset + m <= kMaskUnits) return Int(low >> offset);
    last_[i] = block_bits(block + 1);
    return Int(((low | last_[i] << kMaskUnits) >> offset) & 0xFFFFu);
  }

  uint32_t block_bits(uint64_t block) const {
    const uint64_t counter[4] = {block + 1, step_, 0, 0};  // NumPy counts before it draws
    uint64_t words[4];
    philox_.block(counter, words);
#if defined(__SSE2__)
    const __m128i threshold = _mm_set1_epi16(short(threshold_));
    auto kept = [&](uint64_t a, uint64_t b) {  // −1 where threshold − word is not above 0
      const __m128i w = _mm_set_epi64x((long long)(b), (long long)(a));
      return _mm_cmpeq_epi16(_mm_subs_epu16(threshold, w), _mm_setzero_si128());
    };
    return uint32_t(_mm_movemask_epi8(
        _mm_packs_epi16(kept(words[0], words[1]), kept(words[2], words[3]))));
#else
    uint32_t bits = 0;
    for (int i = 0; i < kMaskUnits; ++i)
      bits |= uint32_t((words[i / 4] >> (16 * (i % 4)) & 0xFFFFu) >= uint32_t(threshold_)) << i;
    return bits;
#endif
  }

  Philox philox_;
  uint64_t step_, H_;
  int threshold_, n_;
  uint64_t start_;
  uint32_t last_[kPanel<T>];
};

template <class T>
void drop(const Step<T>& s, const Layer& layer, T* h, T* d, int p) {
  Masks<T> masks(s, layer, p);
  for (int j = 0; j < layer.n_out; j += kMaskUnits) {
    const int m = layer.n_out - j < kMaskUnits ? layer.n_out - j : kMaskUnits;
    masks.apply(j, m, h + j * kPanel<T>, d + j * kPanel<T>, nullptr);
  }
}

// h = φ(z) of a whole panel of layer l, with slopes and dropout where it has them: some units at a
// time, which stay in the nearest cache.
template <class T>
void activate_panel(const Step<T>& s, int l, int p) {
  constexpr int NR = kPanel<T>;
  const Layer& layer = s.layers[l];
  const int64_t size = int64_t(layer.n_out) * NR;
  T* h = s.h[l + 1] + p * size;
  T* d = s.d[l + 1] ? s.d[l + 1] + p * size : nullptr;
  T* q = s.q[l + 1] ? s.q[l + 1] + p * size : nullptr;
  if (!layer.dropout && !q) return activate<T>(layer.activation, h, d, size);
  Masks<T> masks(s, layer, p);
  for (int j = 0; j < layer.n_out; j += kMaskUnits) {
    const int m = layer.n_out - j < kMaskUnits ? layer.n_out - j : kMaskUnits;
    const int64_t at = int64_t(j) * NR;
    T* more = q ? q + at : nullptr;
    if (q)
      activate_slopes<T>(layer.activation, s.theta + layer.alpha + j, h + at, d + at, more, m);
    else
      activate<T>(layer.activation, h + at, d + at, m * NR);
    if (layer.dropout) masks.apply(j, m, h + at, d + at, more);
  }
}

// ∂ℒ/∂z = ∂ℒ/∂h ⊙ ∂h/∂z with slopes; over q = ∂h/∂α its products with ∂ℒ/∂h, the vectors of a panel
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

// ---- the output unit ------------------------------------------------------------------------------

// ℒ of the samples of a panel, and ∂ℒ/∂z⁽ᴸ⁾ over z⁽ᴸ⁾.
template <class T>
void loss_of_panel(const Step<T>& s, int p) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const int n = samples_of(s, p), lanes = lanes_of(s, p), K = s.n_outputs;
  T* z = s.dz[s.n_layers - 1] + int64_t(p) * K * NR;
  T* t = s.t + int64_t(p) * K * NR;
  alignas(kBytes) T weight[NR] = {};
  for (int i = 0; i < n; ++i) {
    const int64_t at = p * NR + i, row = s.rows ? s.rows[at] : s.first + at;
    weight[i] = T(s.mean_weight * (s.data.weight ? double(s.data.weight[row]) : 1.0));
    for (int k = 0; k < K; ++k) t[k * NR + i] = s.data.t[row * K + k];
  }
  for (int i = n; i < NR; ++i)
    for (int k = 0; k < K; ++k) t[k * NR + i] = 0;
  s.loss[p] = 0;
  for (int v = 0; v < NR; v += W) {
    if (v >= lanes) {  // nothing was computed here, and ∂ℒ/∂W must find zeros
      for (int k = 0; k < K; ++k) store<T>(z + k * NR + v, Vec<T>{});
      continue;
    }
    const Vec<T> w = load<T>(weight + v);
    const Vec<T> loss = output_loss<T>({s.output, K, z + v, t + v, w});
    s.loss[p] += double(vsum<T>(w == T(0) ? Vec<T>{} : loss * w));
  }
  if (n < lanes)  // samples that do not exist: 0, also where their z overflowed
    for (int k = 0; k < K; ++k)
      for (int i = n; i < lanes; ++i) z[k * NR + i] = 0;
}

}  // namespace
