// The kernels of one training step with precision "bfloat16": the operands of the three products are
// rounded to bfloat16; their sums and everything else are in float32.
//
// forward_backward and weights compute the same as in kernels.cpp. They read W only from its rounded
// copies, which the update of each tile of W rewrites.

#include "job.hpp"

#if defined(__AVX512BF16__)

#include "bfloat16.hpp"
#include "finish.hpp"
#include "panel_activations.hpp"
#include "product_bf16.hpp"

namespace {

using namespace clearprop;

constexpr int NR = kPanel<float>, kHalf = NR / 2;
static_assert(NR == kTileInputs && Simd<float>::W == kHalf);

int up(int n, int to) { return (n + to - 1) / to * to; }

struct Panels {
  int first, last;
};

// Words of a panel of pairs of `units` units, and of a panel of pairs of samples of a unit block.
int64_t panel_of_pairs(int units) { return int64_t(up(units, kTileInputs)) / 2 * NR; }
constexpr int kBlock = kTileUnits * kHalf;

// Lets the product `part` of `parts` over one A bring its share of the next A, n words on, near.
void look_ahead(Pairs& o, int64_t n, int part, int parts) {
  const int64_t lines = (n / kHalf + parts - 1) / parts;
  o.next = o.A + n + part * lines * kHalf;
  o.next_lines = static_cast<int>(lines);
}

// The largest magnitudes of a layer's rounded h or ∂ℒ/∂z, lane by lane, which are gathered as the
// numbers are stored: to look through all of them once more would take longer.
enum Of { of_h, of_dz };
uint32_t* largest_at(const Step<float>& s, int l, Of of, int p) {
  return s.rounded.largest + (int64_t(2 * l + of) * s.n_panels + p) * kHalf;
}

// NaN and infinity are the largest.
CP_INLINE __m512i larger_words(__m512i largest, __m512i words) {
  return _mm512_max_epu16(largest, _mm512_and_si512(words, _mm512_set1_epi32(0x7fff7fff)));
}

// Row i of panel `p` of the batch; one of the CSR form is written out first.
const float* row_of_batch(const Step<float>& s, int p, int i) {
  const int64_t at = p * NR + i, row = s.rows ? s.rows[at] : s.first + at;
  if (!s.data.indptr) return s.data.X + row * s.data.ld;
  float* to = s.x + at * s.layers[0].stride;  // entries that stand twice add up, as in SciPy
  memset(to, 0, s.layers[0].n_in * sizeof(float));
  for (int64_t e = s.data.indptr[row]; e < s.data.indptr[row + 1]; ++e)
    to[s.data.indices[e]] += s.data.X[e];
  return to;
}

// The rows of panel `p` of the batch, rounded: as pairs of inputs in h[0], as pairs of samples in x.
void gather(const Step<float>& s, int p) {
  constexpr int kColumns = 512;  // at a time: long enough for the processor to read ahead
  const int n_in = s.layers[0].n_in, n = samples_of(s, p);
  const float* rows[NR];
  for (int i = 0; i < n; ++i) rows[i] = row_of_batch(s, p, i);
  alignas(64) uint32_t rounded[NR][kColumns / 2] = {};
  __m512i largest = _mm512_setzero_si512();
  for (int first = 0; first < n_in; first += kColumns) {
    const int width = n_in - first < kColumns ? n_in - first : kColumns;
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < width; k += NR) {
        const float* x = rows[i] + first + k;
        const uint32_t mask = width - k >= NR ? ~0u : (1u << (width - k)) - 1;
        store_words(rounded[i] + k / 2,
                    round_row(_mm512_maskz_loadu_ps(__mmask16(mask), x),
                              _mm512_maskz_loadu_ps(__mmask16(mask >> 16), x + kHalf)));
      }
    for (int k = 0; k < width; k += NR) {
      uint32_t* x = s.rounded.x + (int64_t(first + k) / NR * s.n_panels + p) * kHalf * NR;
      uint32_t* h = s.rounded.h[0] + p * panel_of_pairs(n_in) + (first + k) / 2 * NR;
      for (int v = 0; v < NR; v += kHalf) {
        Vec<float> block[kHalf];
        for (int i = 0; i < kHalf; ++i) block[i] = (Vec<float>)load_words(rounded[v + i] + k / 2);
        for (int i = 0; i < kHalf; i += 2, x += NR) {
          const Two words = zip((__m512i)block[i], (__m512i)block[i + 1]);
          store_words(x, words.first);
          store_words(x + kHalf, words.second);
          largest = larger_words(larger_words(largest, words.first), words.second);
        }
        turn(block);
        for (int i = 0; i < kHalf; ++i) store_words(h + i * NR + v, (__m512i)block[i]);
      }
    }
  }
  store_words(largest_at(s, 0, of_h, p), largest);
}

// `n` rows of a panel in float32 to pairs of units.
void round_pairs(const float* rows, int n, uint32_t* pairs, uint32_t* largest) {
  __m512i most = load_words(largest);
  for (int j = 0; j < n; j += 2, rows += 2 * NR, pairs += NR) {
    const Two words =
        zip(round_row(rows), j + 1 < n ? round_row(rows + NR) : _mm512_setzero_si512());
    store_words(pairs, words.first);
    store_words(pairs + kHalf, words.second);
    most = larger_words(larger_words(most, words.first), words.second);
  }
  store_words(largest, most);
}

// z⁽ˡ⁾ = W⁽ˡ⁾ h⁽ˡ⁻¹⁾ + b⁽ˡ⁾ and h⁽ˡ⁾ = φ(z⁽ˡ⁾), up to z⁽ᴸ⁾.
void forward(const Step<float>& s, Panels panels) {
  alignas(64) float tile[kTileUnits * NR];
  for (int l = 0; l < s.n_layers; ++l) {
    const Layer& layer = s.layers[l];
    const bool last = l + 1 == s.n_layers;
    const int64_t size = int64_t(layer.n_out) * NR, below = panel_of_pairs(layer.n_in);
    const int64_t row_block = int64_t(up(layer.n_in, kTileInputs)) / 2 * kTileUnits;
    for (int j = 0; j < layer.n_out; j += kTileUnits) {
      const int m = layer.n_out - j < kTileUnits ? layer.n_out - j : kTileUnits;
      const uint32_t* W = s.rounded.W + layer.rounded + j / kTileUnits * row_block;
      Pairs o{1, 0, (layer.n_in + 1) / 2, W, 0, nullptr};
      for (int p = panels.first; p < panels.last; ++p) {
        o.B = s.rounded.h[l] + p * below;
        look_ahead(o, row_block, p - panels.first, panels.last - panels.first);
        const auto kernel = pair_product_for<1, kTileUnits>(m, lanes_of(s, p) > kHalf);
        kernel(o, s.theta + layer.b + j, tile);
        float* d = !last && s.d[l + 1] ? s.d[l + 1] + p * size + j * NR : nullptr;
        if (!last) activate<float>(layer.activation, tile, d, m * NR);
        if (last)
          memcpy(s.dz[l] + p * size + j * NR, tile, m * NR * sizeof(float));
        else if (layer.dropout)
          memcpy(s.h[l + 1] + p * size + j * NR, tile, m * NR * sizeof(float));
        else
          round_pairs(tile, m, s.rounded.h[l + 1] + p * panel_of_pairs(layer.n_out) + j / 2 * NR,
                      largest_at(s, l + 1, of_h, p));
      }
    }
    if (last || !layer.dropout) continue;
    for (int p = panels.first; p < panels.last; ++p) {
      float* h = s.h[l + 1] + p * size;
      drop<float>(s, layer, h, s.d[l + 1] + p * size, p);
      round_pairs(h, layer.n_out, s.rounded.h[l + 1] + p * panel_of_pairs(layer.n_out),
                  largest_at(s, l + 1, of_h, p));
    }
  }
}

// Where rows of ∂ℒ/∂z of a layer go, rounded: as pairs of samples, and as pairs of units unless that
// is null. Samples that do not exist are 0.
struct Slopes {
  uint32_t* rows;
  int64_t block;
  uint32_t *pairs, *largest;
  __mmask32 samples;

  Slopes(const Step<float>& s, int l, int p)
      : rows(s.rounded.dz[l] + p * kBlock), block(int64_t(s.n_panels) * kBlock),
        pairs(l > 0 ? s.rounded.dz_pairs[l] + p * panel_of_pairs(s.layers[l].n_out) : nullptr),
        largest(largest_at(s, l, of_dz, p)),
        samples(samples_of(s, p) < NR ? (1u << samples_of(s, p)) - 1 : ~0u) {}

  CP_INLINE void store(int j, __m512i a, __m512i b) const {  // units j and j + 1
    a = _mm512_maskz_mov_epi16(samples, a), b = _mm512_maskz_mov_epi16(samples, b);
    uint32_t* to = rows + j / kTileUnits * block + j % kTileUnits * kHalf;
    store_words(to, a);
    store_words(to + kHalf, b);
    store_words(largest, larger_words(larger_words(load_words(largest), a), b));
    if (!pairs) return;
    const Two words = zip(a, b);
    store_words(pairs + j / 2 * NR, words.first);
    store_words(pairs + j / 2 * NR + kHalf, words.second);
  }
};

// ∂ℒ/∂z⁽ᴸ⁾ of a panel, rounded.
void round_slopes(const Step<float>& s, int p) {
  const int K = s.n_outputs;
  const float* dz = s.dz[s.n_layers - 1] + int64_t(p) * K * NR;
  const Slopes slopes(s, s.n_layers - 1, p);
  for (int j = 0; j < K; j += 2, dz += 2 * NR)
    slopes.store(j, round_row(dz), j + 1 < K ? round_row(dz + NR) : _mm512_setzero_si512());
}

// ∂ℒ/∂z = ∂ℒ/∂h ⊙ φ′(z) for `n` units from j on; φ′ from d, or from the rounded h where d is null.
template <Act act>
CP_INLINE void slopes_of(const float* dh, const float* d, const uint32_t* h, int j, int n,
                         const Slopes& slopes) {
  for (int i = 0; i < n; i += 2, dh += 2 * NR, h += NR) {
    __m512i row[2];
    for (int r = 0; r < 2; ++r) {
      if (i + r >= n) {
        row[r] = _mm512_setzero_si512();
        continue;
      }
      Vec<float> x[2];
      for (int v = 0; v < 2; ++v) {
        x[v] = load<float>(dh + r * NR + v * kHalf);
        if constexpr (act == Act::none) {
          x[v] *= load<float>(d + (i + r) * NR + v * kHalf);
        } else if constexpr (act != Act::identity) {
          const __m512i words = load_words(h + v * kHalf);
          const Vec<float> value = r == 0 ? lower(words) : upper(words);
          if constexpr (act == Act::relu)
            x[v] = value > 0.0f ? x[v] : Vec<float>{};
          else
            x[v] *= dphi<float, act>(value);
        }
      }
      row[r] = round_row((__m512)x[0], (__m512)x[1]);
    }
    slopes.store(j + i, row[0], row[1]);
  }
}

// ∂ℒ/∂z⁽ˡ⁾ = φ′(z⁽ˡ⁾) ⊙ W⁽ˡ⁺¹⁾ᵀ ∂ℒ/∂z⁽ˡ⁺¹⁾
void backward(const Step<float>& s, Panels panels) {
  alignas(64) float tile[kTileUnits * NR];
  for (int l = s.n_layers - 1; l >= 1; --l) {
    const Layer& layer = s.layers[l];
    const Act act = s.layers[l - 1].activation;
    const int64_t row_block = int64_t(up(layer.n_out, kTileUnits)) / 2 * kTileUnits;
    for (int i = 0; i < layer.n_in; i += kTileUnits) {
      const int m = layer.n_in - i < kTileUnits ? layer.n_in - i : kTileUnits;
      const uint32_t* W = s.rounded.W + layer.rounded_t + i / kTileUnits * row_block;
      Pairs o{1, 0, (layer.n_out + 1) / 2, W, 0, nullptr};
      for (int p = panels.first; p < panels.last; ++p) {
        o.B = s.rounded.dz_pairs[l] + p * panel_of_pairs(layer.n_out);
        look_ahead(o, row_block, p - panels.first, panels.last - panels.first);
        pair_product_for<1, kTileUnits>(m, lanes_of(s, p) > kHalf)(o, nullptr, tile);
        const float* d = s.d[l] ? s.d[l] + (int64_t(p) * layer.n_in + i) * NR : nullptr;
        const uint32_t* h = s.rounded.h[l] + p * panel_of_pairs(layer.n_in) + i / 2 * NR;
        const Slopes slopes(s, l - 1, p);
        if (d)
          slopes_of<Act::none>(tile, d, h, i, m, slopes);
        else
          with_activation(act, [&]<Act a>() __attribute__((always_inline)) {
            if constexpr (derivative_from_sign(a)) slopes_of<a>(tile, d, h, i, m, slopes);
          });
      }
    }
  }
}

void forward_backward(const Step<float>& s, int first, int last) {
  for (int l = 0; l < s.n_layers; ++l)
    for (const Of of : {of_h, of_dz})
      memset(largest_at(s, l, of, first), 0, (last - first) * kHalf * sizeof(uint32_t));
  for (int p = first; p < last; ++p) gather(s, p);
  forward(s, {first, last});
  for (int p = first; p < last; ++p) {
    loss_of_panel<float>(s, p);
    round_slopes(s, p);
  }
  backward(s, {first, last});
}

// ---- ∂ℒ/∂W and the update -------------------------------------------------------------------------

int64_t words_of_block(const Step<float>& s) { return int64_t(s.n_panels) * kHalf * NR; }

size_t scratch_size(const Step<float>& s) { return kInputGroup * words_of_block(s); }

// h⁽ˡ⁻¹⁾ of 32 inputs from i0, turned from pairs of units into pairs of samples.
void pairs_of_samples(const Step<float>& s, int l, int i0, uint32_t* out) {
  for (int p = 0; p < s.n_panels; ++p, out += kHalf * NR) {
    const uint32_t* h = s.rounded.h[l] + p * panel_of_pairs(s.layers[l].n_in) + i0 / 2 * NR;
    for (int v = 0; v < NR; v += kHalf, h += kHalf / 2 * NR) {
      Vec<float> rows[kHalf];
      for (int i = 0; i < kHalf; i += 2) {
        const Two two = unzip(load_words(h + i / 2 * NR), load_words(h + i / 2 * NR + kHalf));
        rows[i] = (Vec<float>)two.first, rows[i + 1] = (Vec<float>)two.second;
      }
      turn(rows);
      for (int k = 0; k < kHalf; ++k) store_words(out + k * NR + v, (__m512i)rows[k]);
    }
  }
  if (s.n % 2 == 0) return;
  uint32_t* last = out - kHalf * NR + s.n % NR / 2 * NR;  // its second sample does not exist
  for (int v = 0; v < NR; v += kHalf)
    store_words(last + v, _mm512_and_si512(load_words(last + v), _mm512_set1_epi32(0xffff)));
}

// The rounded copies of the tile of W at units j … and inputs i …
void round_tile(const Step<float>& s, int l, int j, int i, const float* W) {
  const Layer& layer = s.layers[l];
  const Tiles tiles(layer);
  __m512i row[kTileUnits];
  for (int r = 0; r < kTileUnits; ++r) row[r] = round_row(W + r * kTileInputs);
  const int64_t at = int64_t(j) * tiles.across * (kTileInputs / 2) + i / 2 * kTileUnits;
  by_steps(row, s.rounded.W + layer.rounded + at);
  if (l == 0) return;
  const int64_t row_block = int64_t(tiles.down) * kTileUnits / 2 * kTileUnits;
  uint32_t* to = s.rounded.W + layer.rounded_t + i / kTileUnits * row_block + j / 2 * kTileUnits;
  for (int r = 0; r < kTileUnits; r += 2, to += kTileUnits) {
    const Two words = zip(row[r], row[r + 1]);
    store_half<0>(to, words.first);
    store_half<1>(to + row_block, words.first);
    store_half<0>(to + 2 * row_block, words.second);
    store_half<1>(to + 3 * row_block, words.second);
  }
}

// Calls f(j, i, where the tile begins in θ) for the tiles of an item, in the order in which they lie.
template <class F>
CP_INLINE void each_tile(const Step<float>& s, Item item, F&& f) {
  const Layer& layer = s.layers[item.layer];
  const Tiles tiles(layer);
  const int columns = tiles.columns(item.i0 / kTileInputs);
  int64_t at = layer.W + int64_t(item.i0 / kTileInputs) * tiles.down * kTileSize;
  for (int j = 0; j < layer.n_out; j += kTileUnits)
    for (int q = 0; q < columns; ++q, at += kTileSize) f(j, item.i0 + q * kTileInputs, at);
}

void renew(const Step<float>& s, Item item) {
  each_tile(s, item,
            [&](int j, int i, int64_t at) { round_tile(s, item.layer, j, i, s.theta + at); });
}

// kInputGroup tile columns of ∂ℒ/∂W⁽ˡ⁾ = Σ_n ∂ℒ/∂z_n h_nᵀ, and what follows from them.
void weights(const Step<float>& s, Item item, int index, float* scratch) {
  const Layer& layer = s.layers[item.layer];
  const Tiles tiles(layer);
  const int64_t block_size = words_of_block(s);
  const int columns = tiles.columns(item.i0 / kTileInputs);
  const uint32_t* blocks;
  if (item.layer == 0) {
    blocks = s.rounded.x + item.i0 / kTileInputs * block_size;
  } else {
    auto* words = reinterpret_cast<uint32_t*>(scratch);
    for (int q = 0; q < columns; ++q)
      pairs_of_samples(s, item.layer, item.i0 + q * kTileInputs, words + q * block_size);
    blocks = words;
  }
  const uint32_t* dz = s.rounded.dz[item.layer];
  Pairs o{s.n_panels, kHalf, (s.n - (s.n_panels - 1) * NR + 1) / 2, nullptr, kBlock, nullptr};
  alignas(64) float own[kTileSize];
  Finish<float> finish{s};
  each_tile(s, item, [&](int j, int i, int64_t at) {
    const int m = layer.n_out - j < kTileUnits ? layer.n_out - j : kTileUnits;
    o.A = dz + j / kTileUnits * int64_t(s.n_panels) * kBlock;
    look_ahead(o, int64_t(s.n_panels) * kBlock, (i - item.i0) / kTileInputs, columns);
    o.B = blocks + (i - item.i0) / kTileInputs * block_size;
    const int64_t next = at + kTileSize;  // the update that follows this one
    o.change[0] = s.theta + next, o.change[1] = s.slot0 + next, o.change[2] = s.slot1 + next;
    o.change_lines = kTileSize * sizeof(float) / 64;
    pair_product_for<kHalf, 1>(m, layer.n_in - i > kHalf)(o, nullptr, own);
    finish.weights(at, 0, own, 0, 1, up(m, 2) * kTileInputs);
    if (!s.gradient) round_tile(s, item.layer, j, i, s.theta + at);
  });
  if (item.i0 == 0) {  // ∂ℒ/∂b: the sum over the samples
    finish.use(kB);
    const __m512bh ones = (__m512bh)_mm512_set1_epi16(0x3f80);
    for (int j = 0; j < layer.n_out; j += kHalf) {
      Vec<float> lanes[kHalf] = {}, sum{};
      for (int block = 0; block < kHalf && j + block < layer.n_out; block += kTileUnits) {
        const uint32_t* rows = dz + (j + block) / kTileUnits * int64_t(s.n_panels) * kBlock;
        __m512 sums[kTileUnits] = {};
        for (int p = 0; p < s.n_panels; ++p, rows += kBlock)
#pragma GCC unroll 8
          for (int i = 0; i < kTileUnits; ++i)
            sums[i] = _mm512_dpbf16_ps(sums[i], (__m512bh)load_words(rows + i * kHalf), ones);
        for (int i = 0; i < kTileUnits; ++i) lanes[block + i] = (Vec<float>)sums[i];
      }
      turn(lanes);
      for (int i = 0; i < kHalf; ++i) sum += lanes[i];
      alignas(64) float g[kHalf];
      store<float>(g, sum);
      finish.parameters(layer.b + j, g, kHalf);
    }
  }
  s.results[index] = finish.result();
}

double largest_of_layer(const Step<float>& s, int l, Of of) {
  __m512i words = _mm512_setzero_si512();
  for (int p = 0; p < s.n_panels; ++p)
    words = larger_words(words, load_words(largest_at(s, l, of, p)));
  return largest_of<float>(larger<float>((IVec<float>)lower(words), (IVec<float>)upper(words)));
}

double largest_term(const Step<float>& s, int l) {
  return largest_of_layer(s, l, of_h) * largest_of_layer(s, l, of_dz);
}

void round(const float* x, uint16_t* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 32) _mm512_storeu_si512(y + i, round_row(x + i));
}

constexpr RoundedKernels kKernels{forward_backward, weights, largest_term,
                                  scratch_size,     renew,   round};

}  // namespace

namespace clearprop {
extern const RoundedKernels* const bfloat16_kernels;
const RoundedKernels* const bfloat16_kernels = &kKernels;
}  // namespace clearprop

#else  // compiled without the instructions

namespace clearprop {
extern const RoundedKernels* const bfloat16_kernels;
const RoundedKernels* const bfloat16_kernels = nullptr;
}  // namespace clearprop

#endif
