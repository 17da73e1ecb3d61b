// The kernels of one training step with precision "bfloat16": the operands of the three products are
// rounded to bfloat16, their sums and everything else are in float32.
//
// forward_backward and weights do what those of kernels.cpp do; W is read from its rounded copies
// only, which the update of each tile of W rewrites.

#include "job.hpp"

#if defined(__AVX512BF16__)

#include "bfloat16.hpp"
#include "finish.hpp"
#include "panels.hpp"
#include "product_bf16.hpp"

namespace {

using namespace clearprop;

constexpr int NR = kPanel<float>, kHalf = NR / 2;
static_assert(NR == kTile && Simd<float>::W == kHalf);

constexpr int kRows = 8;      // of a block, which the micro-kernel makes at once
constexpr int kSlice = 128;   // steps of a sum at a time, so that a slice of B (16 KB) stays in the
                              // first cache for all row blocks of a tile

int up(int n, int to) { return (n + to - 1) / to * to; }

struct Panels {
  int first, last;
};

// Words of a panel, of pairs of units as of pairs of samples.
int64_t panel_size(int units) { return int64_t(up(units, kTile)) * kHalf; }

// The rows of panel `p` of the batch, rounded: as pairs of inputs in h[0], as pairs of samples in x.
void gather(const Step<float>& s, int p) {
  constexpr int kAhead = 2 * NR;  // 32 rows far apart are more than the processor looks ahead for
  const Layer& first = s.layers[0];
  const int n = samples_of(s, p);
  const float* rows[NR];
  for (int i = 0; i < n; ++i) {
    const int64_t at = p * NR + i, row = s.rows ? s.rows[at] : s.first + at;
    __builtin_prefetch(s.data.t + row * s.n_outputs);  // the loss will ask for them
    if (!s.data.indptr) {
      rows[i] = s.data.X + row * s.data.ld;
      for (int k = 0; k < kAhead && k < first.n_in; k += kHalf) __builtin_prefetch(rows[i] + k);
      continue;
    }
    float* to = s.x + at * first.stride;  // entries that stand twice add up, as in SciPy
    memset(to, 0, first.n_in * sizeof(float));
    for (int64_t e = s.data.indptr[row]; e < s.data.indptr[row + 1]; ++e)
      to[s.data.indices[e]] += s.data.X[e];
    rows[i] = to;
  }
  uint32_t* h = s.rounded.h[0] + p * panel_size(first.n_in);
  for (int i0 = 0; i0 < first.n_in; i0 += NR) {
    const int left = first.n_in - i0;
    const uint32_t mask = left >= NR ? ~0u : (1u << left) - 1;
    __m512i rounded[NR];
    for (int i = 0; i < n && left > kAhead; ++i)
      for (int k = 0; k < NR; k += kHalf) __builtin_prefetch(rows[i] + i0 + kAhead + k);
    for (int i = 0; i < NR; ++i)
      rounded[i] = i < n ? round_row(_mm512_maskz_loadu_ps(__mmask16(mask), rows[i] + i0),
                                     _mm512_maskz_loadu_ps(__mmask16(mask >> 16), rows[i] + i0 + 16))
                         : _mm512_setzero_si512();
    uint32_t* x = s.rounded.x + (int64_t(i0 / NR) * s.n_panels + p) * kHalf * NR;
    for (int i = 0; i < NR; i += 2) {
      const Two words = zip(rounded[i], rounded[i + 1]);
      store_words(x + i / 2 * NR, words.first);
      store_words(x + i / 2 * NR + kHalf, words.second);
    }
    for (int v = 0; v < NR; v += kHalf) {
      Vec<float> block[kHalf];
      for (int i = 0; i < kHalf; ++i) block[i] = (Vec<float>)rounded[v + i];
      turn(block);
      for (int k = 0; k < kHalf; ++k) store_words(h + (i0 / 2 + k) * NR + v, (__m512i)block[k]);
    }
  }
}

// `n` rows of a panel in float32 to pairs of units.
void round_pairs(const float* rows, int n, uint32_t* pairs) {
  for (int j = 0; j < n; j += 2, rows += 2 * NR, pairs += NR) {
    const Two words = zip(round_row(rows), j + 1 < n ? round_row(rows + NR) : _mm512_setzero_si512());
    store_words(pairs, words.first);
    store_words(pairs + kHalf, words.second);
  }
}

constexpr int kTileWords = kTileSize / 2, kBlockWords = kRows * kHalf;

// m rows of init + A·B, for a row of rounded tiles A and a panel B.
void tile_of_panel(const uint32_t* A, const uint32_t* B, int n_in, int m, bool two,
                   const float* init, float* tile) {
  const int across = (n_in + kTile - 1) / kTile;
  constexpr int slice = kSlice / kHalf;  // tiles
  for (int k = 0; k < across; k += slice) {
    const bool last = k + slice >= across;
    Pairs o{last ? across - k : slice, kHalf, last ? (n_in - (across - 1) * kTile + 1) / 2 : kHalf,
            A + k * kTileWords, kTileWords, B + k * kHalf * NR};
    o.add = k > 0;
    for (int r = 0; r < m; r += kRows, o.A += kBlockWords)
      pair_product_for<1, kRows>(m - r < kRows ? m - r : kRows, two)(o, init ? init + r : nullptr,
                                                                     tile + r * NR);
  }
}

// z⁽ˡ⁾ = W⁽ˡ⁾ h⁽ˡ⁻¹⁾ + b⁽ˡ⁾ and h⁽ˡ⁾ = φ(z⁽ˡ⁾), up to z⁽ᴸ⁾.
void forward(const Step<float>& s, Panels panels) {
  alignas(64) float tile[kTileSize];
  for (int l = 0; l < s.n_layers; ++l) {
    const Layer& layer = s.layers[l];
    const bool last = l + 1 == s.n_layers;
    const int64_t size = int64_t(layer.n_out) * NR;
    for (int j = 0; j < layer.n_out; j += kTile) {
      const int m = layer.n_out - j < kTile ? layer.n_out - j : kTile;
      const uint32_t* A = s.rounded.W + layer.rounded + int64_t(j) * up(layer.n_in, kTile) / 2;
      for (int p = panels.first; p < panels.last; ++p) {
        const uint32_t* B = s.rounded.h[l] + p * panel_size(layer.n_in);
        tile_of_panel(A, B, layer.n_in, m, lanes_of(s, p) > kHalf, s.theta + layer.b + j, tile);
        const int64_t at = p * size + j * NR;
        if (!last) {
          float* d = s.d[l + 1] ? s.d[l + 1] + at : nullptr;
          activate<float>(layer.activation, tile, d, m * NR);
        }
        if (last)
          memcpy(s.dz[l] + at, tile, m * NR * sizeof(float));
        else if (layer.dropout)
          memcpy(s.h[l + 1] + at, tile, m * NR * sizeof(float));
        else
          round_pairs(tile, m, s.rounded.h[l + 1] + p * panel_size(layer.n_out) + j / 2 * NR);
      }
    }
    if (last || !layer.dropout) continue;
    for (int p = panels.first; p < panels.last; ++p) {
      float* h = s.h[l + 1] + p * size;
      drop<float>(s, layer, h, s.d[l + 1] + p * size, p, samples_of(s, p));
      round_pairs(h, layer.n_out, s.rounded.h[l + 1] + p * panel_size(layer.n_out));
    }
  }
}

// Where rows of ∂ℒ/∂z of a layer go, rounded: as pairs of samples, and as pairs of units unless that
// is null. Samples that do not exist are 0.
struct Slopes {
  uint32_t *rows, *pairs;
  __mmask32 samples;

  Slopes(const Step<float>& s, int l, int p)
      : rows(s.rounded.dz[l] + p * panel_size(s.layers[l].n_out)),
        pairs(l > 0 ? s.rounded.dz_pairs[l] + p * panel_size(s.layers[l].n_out) : nullptr),
        samples(samples_of(s, p) < NR ? (1u << samples_of(s, p)) - 1 : ~0u) {}

  CP_INLINE void store(int j, __m512i a, __m512i b) const {  // units j and j + 1
    a = _mm512_maskz_mov_epi16(samples, a), b = _mm512_maskz_mov_epi16(samples, b);
    store_words(rows + j * kHalf, a);
    store_words(rows + (j + 1) * kHalf, b);
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
  alignas(64) float tile[kTileSize];
  for (int l = s.n_layers - 1; l >= 1; --l) {
    const Layer& layer = s.layers[l];
    const Act act = s.layers[l - 1].activation;
    for (int i = 0; i < layer.n_in; i += kTile) {
      const int m = layer.n_in - i < kTile ? layer.n_in - i : kTile;
      const uint32_t* A = s.rounded.W + layer.rounded_t + int64_t(i) * up(layer.n_out, kTile) / 2;
      for (int p = panels.first; p < panels.last; ++p) {
        const uint32_t* B = s.rounded.dz_pairs[l] + p * panel_size(layer.n_out);
        tile_of_panel(A, B, layer.n_out, m, lanes_of(s, p) > kHalf, nullptr, tile);
        const float* d = s.d[l] ? s.d[l] + (int64_t(p) * layer.n_in + i) * NR : nullptr;
        const uint32_t* h = s.rounded.h[l] + p * panel_size(layer.n_in) + i / 2 * NR;
        const Slopes slopes(s, l - 1, p);
        if (d)
          slopes_of<Act::none>(tile, d, h, i, m, slopes);
        else if (act == Act::relu)
          slopes_of<Act::relu>(tile, d, h, i, m, slopes);
        else if (act == Act::leaky_relu)
          slopes_of<Act::leaky_relu>(tile, d, h, i, m, slopes);
        else
          slopes_of<Act::identity>(tile, d, h, i, m, slopes);
      }
    }
  }
}

void forward_backward(const Step<float>& s, int first, int last) {
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
    const uint32_t* h = s.rounded.h[l] + p * panel_size(s.layers[l].n_in) + i0 / 2 * NR;
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

// The rounded copies of 8 units, from j on, of the tile of W at inputs i …
void round_block(const Step<float>& s, int l, int j, int i, const float* W) {
  const Layer& layer = s.layers[l];
  const Tiles tiles(layer);
  const int64_t row = j / kTile, column = i / kTile, block = j % kTile / kRows;
  __m512i rows[kRows];
  for (int r = 0; r < kRows; ++r) rows[r] = round_row(W + r * kTile);
  by_steps(rows, s.rounded.W + layer.rounded + (row * tiles.across + column) * kTileWords +
                     block * kBlockWords);
  if (l == 0) return;
  uint32_t* to = s.rounded.W + layer.rounded_t + (column * tiles.down + row) * kTileWords +
                 block * kRows / 2 * kRows;
  for (int r = 0; r < kRows; r += 2, to += kRows) {
    const Two words = zip(rows[r], rows[r + 1]);
    store_half<0>(to, words.first);
    store_half<1>(to + kBlockWords, words.first);
    store_half<0>(to + 2 * kBlockWords, words.second);
    store_half<1>(to + 3 * kBlockWords, words.second);
  }
}

// Calls f(j, i, m, where the tile begins in θ) for the tiles of an item, m units of it at j and
// kTile inputs at i, in the order in which they lie.
template <class F>
CP_INLINE void each_tile(const Step<float>& s, Item item, F&& f) {
  const Layer& layer = s.layers[item.layer];
  const Tiles tiles(layer);
  const int columns = tiles.columns(item.i0 / kTile);
  int64_t at = layer.W + int64_t(item.i0 / kTile) * tiles.down * kTileSize;
  for (int j = 0; j < layer.n_out; j += kTile)
    for (int q = 0; q < columns; ++q, at += kTileSize)
      f(j, item.i0 + q * kTile, layer.n_out - j < kTile ? layer.n_out - j : kTile, at);
}

void round_weights(const Step<float>& s, Item item) {
  each_tile(s, item, [&](int j, int i, int m, int64_t at) {
    for (int r = 0; r < m; r += kRows)
      round_block(s, item.layer, j + r, i, s.theta + at + r * kTile);
  });
}

// kInputGroup tile columns of ∂ℒ/∂W⁽ˡ⁾ = Σ_n ∂ℒ/∂z_n h_nᵀ, and what follows from them.
void weights(const Step<float>& s, Item item, int index, float* scratch) {
  const Layer& layer = s.layers[item.layer];
  const Tiles tiles(layer);
  const int64_t block_size = words_of_block(s);
  const int columns = tiles.columns(item.i0 / kTile);
  const uint32_t* blocks;
  if (item.layer == 0) {
    blocks = s.rounded.x + item.i0 / kTile * block_size;
  } else {
    auto* words = reinterpret_cast<uint32_t*>(scratch);
    for (int q = 0; q < columns; ++q)
      pairs_of_samples(s, item.layer, item.i0 + q * kTile, words + q * block_size);
    blocks = words;
  }
  const uint32_t* dz = s.rounded.dz[item.layer];
  const int64_t panel = panel_size(layer.n_out);
  constexpr int slice = kSlice / kHalf;  // panels
  const int last_steps = (s.n - (s.n_panels - 1) * NR + 1) / 2;
  alignas(64) float own[kTileSize];
  Finish<float> finish{s};
  each_tile(s, item, [&](int j, int i, int m, int64_t at) {
    for (int p = 0; p < s.n_panels; p += slice) {
      const bool last = p + slice >= s.n_panels;
      Pairs o{last ? s.n_panels - p : slice, kHalf, last ? last_steps : kHalf,
              dz + p * panel + j * kHalf, panel,
              blocks + (i - item.i0) / kTile * block_size + p * kHalf * NR};
      o.add = p > 0;
      for (int r = 0; r < m; r += kRows, o.A += kRows * kHalf) {
        const int rows = m - r < kRows ? m - r : kRows;
        const int64_t here = at + r * kTile;
        if (last) {
          const int64_t next = here + kRows * kTile;
          o.ahead[0] = s.theta + next, o.ahead[1] = s.slot0 + next, o.ahead[2] = s.slot1 + next;
          o.ahead_lines = kRows * kTile * sizeof(float) / 64;
        }
        pair_product_for<kHalf, 1>(rows, layer.n_in - i > kHalf)(o, nullptr, own + r * kTile);
        if (!last) continue;
        finish.weights(here, 0, own + r * kTile, 0, 1, up(rows, 2) * kTile);
        if (!s.gradient) round_block(s, item.layer, j + r, i, s.theta + here);
      }
    }
  });
  if (item.i0 == 0) {  // ∂ℒ/∂b: the sum over the samples
    const __m512bh ones = (__m512bh)_mm512_set1_epi16(0x3f80);
    for (int j = 0; j < layer.n_out; j += kHalf) {
      __m512 sums[kHalf] = {};
      for (int p = 0; p < s.n_panels; ++p) {
        const uint32_t* rows = dz + p * panel + j * kHalf;
#pragma GCC unroll 16
        for (int i = 0; i < kHalf; ++i)
          sums[i] = _mm512_dpbf16_ps(sums[i], (__m512bh)load_words(rows + i * kHalf), ones);
      }
      Vec<float> lanes[kHalf], sum{};
      for (int i = 0; i < kHalf; ++i) lanes[i] = (Vec<float>)sums[i];
      turn(lanes);
      for (int i = 0; i < kHalf; ++i) sum += lanes[i];
      alignas(64) float g[kHalf];
      store<float>(g, sum);
      finish.parameters(layer.b + j, g, kHalf, false);
    }
  }
  s.results[index] = finish.result();
}

// max |x| of rounded numbers, infinity if one is not finite.
double largest_rounded(const uint32_t* words, int64_t n) {
  __m512i most = _mm512_setzero_si512();
  for (int64_t i = 0; i < n; i += 16)
    most = _mm512_max_epu16(most, _mm512_and_si512(load_words(words + i), _mm512_set1_epi32(0x7fff7fff)));
  return largest_of<float>(larger<float>((IVec<float>)_mm512_slli_epi32(most, 16),
                                         (IVec<float>)_mm512_and_si512(most, _mm512_set1_epi32(0xffff0000))));
}

double largest_term(const Step<float>& s, int l) {
  const Layer& layer = s.layers[l];
  return largest_rounded(s.rounded.h[l], s.n_panels * panel_size(layer.n_in)) *
         largest_rounded(s.rounded.dz[l], s.n_panels * panel_size(layer.n_out));
}

void round(const float* x, uint16_t* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 32) _mm512_storeu_si512(y + i, round_row(x + i));
}

constexpr RoundedKernels kKernels{forward_backward, weights, largest_term, scratch_size, round_weights,
                                  round};

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
