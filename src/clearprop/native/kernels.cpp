// The kernels of one training step, compiled once per instruction set (CLEARPROP_ISA names it).
//
// forward_backward: the lecture's two recursions for one panel of samples, from x to every ∂ℒ/∂z.
// weights: ∂ℒ/∂W = ∂ℒ/∂z hᵀ for a block of inputs of one layer, and the optimiser's update of it.

#include "job.hpp"
#include "optimizers.hpp"
#include "output_units.hpp"
#include "panels.hpp"
#include "predict.hpp"
#include "product.hpp"

namespace {

using namespace clearprop;

// A range of panels of the batch, which share each block of W that has come into the cache.
struct Panels {
  int first, last;
};
// C[0 … rows) = init + A·B for each panel, in blocks of kRows rows; B and C of panel 0 are given,
// those of the others follow `b_panel` and `c_panel` further on.
template <class T>
void rows_of_product(const Step<T>& s, Panels panels, Operands<T> o, int64_t b_panel, int rows,
                     const T* init, T* C, int64_t c_panel) {
  for (int r = 0; r < rows; r += kRows) {
    const int m = rows - r < kRows ? rows - r : kRows;
    Operands<T> block = o;
    block.A += r * o.row;
    for (int p = panels.first; p < panels.last; ++p) {
      block.B = o.B + p * b_panel;
      kProducts<T>.table[lanes_of(s, p) > Simd<T>::W][m](block, init ? init + r : nullptr,
                                                         C + p * c_panel + r * kPanel<T>, kPanel<T>);
    }
  }
}

// ---- a group of panels --------------------------------------------------------------------------

// z⁽ˡ⁾ = W⁽ˡ⁾ h⁽ˡ⁻¹⁾ + b⁽ˡ⁾ and h⁽ˡ⁾ = φ(z⁽ˡ⁾), up to z⁽ᴸ⁾.
template <class T>
void forward(const Step<T>& s, Panels panels) {
  constexpr int NR = kPanel<T>;
  for (int l = 0; l < s.n_layers; ++l) {
    const Layer& layer = s.layers[l];
    const int64_t below = int64_t(l == 0 ? layer.stride : layer.n_in) * NR;
    const int64_t size = int64_t(layer.n_out) * NR;
    const bool last = l + 1 == s.n_layers;
    T* out = last ? s.dz[l] : s.h[l + 1];
    Operands<T> o{1, 0, layer.n_in, s.theta + layer.W, layer.stride, 1, 0, s.h[l], NR, 0};
    rows_of_product<T>(s, panels, o, below, layer.n_out, s.theta + layer.b, out, size);
    if (last) return;
    for (int p = panels.first; p < panels.last; ++p) {
      T* d = s.train && s.d[l + 1] ? s.d[l + 1] + p * size : nullptr;
      activate<T>(layer.activation, out + p * size, d, size);
      if (s.train && layer.dropout) drop<T>(s, layer, out + p * size, d, p, samples_of(s, p));
    }
  }
}

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
  for (int v = 0; v < NR; v += W) {
    if (v >= lanes) {  // nothing was computed here, and ∂ℒ/∂W must find zeros
      for (int k = 0; k < K; ++k) store<T>(z + k * NR + v, Vec<T>{});
      store<T>(s.loss + p * NR + v, Vec<T>{});
      continue;
    }
    const Vec<T> w = load<T>(weight + v);
    const Vec<T> loss = output_loss<T>({s.output, K, z + v, t + v, w});
    store<T>(s.loss + p * NR + v, w == T(0) ? Vec<T>{} : loss * w);
  }
  if (n < lanes)  // samples that do not exist: 0, also where their z overflowed
    for (int k = 0; k < K; ++k)
      for (int i = n; i < lanes; ++i) z[k * NR + i] = 0;
}

// ∂ℒ/∂z⁽ˡ⁾ = φ′(z⁽ˡ⁾) ⊙ W⁽ˡ⁺¹⁾ᵀ ∂ℒ/∂z⁽ˡ⁺¹⁾
template <class T>
void backward(const Step<T>& s, Panels panels) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  for (int l = s.n_layers - 1; l >= 1; --l) {
    const Layer& layer = s.layers[l];
    const Layer& below = s.layers[l - 1];
    const int64_t size = int64_t(below.n_out) * NR;
    Operands<T> o{1, 0, layer.n_out, s.theta + layer.W, 1, layer.stride, 0, s.dz[l], NR, 0};
    rows_of_product<T>(s, panels, o, int64_t(layer.n_out) * NR, layer.n_in, nullptr, s.dz[l - 1],
                       size);
    for (int p = panels.first; p < panels.last; ++p) {
      T* dz = s.dz[l - 1] + p * size;
      times_derivative<T>(below.activation, dz, s.h[l] + p * size,
                          s.d[l] ? s.d[l] + p * size : nullptr, size);
      if (lanes_of(s, p) < NR)
        for (int j = 0; j < below.n_out; ++j) store<T>(dz + j * NR + W, Vec<T>{});
    }
  }
}

template <class T>
void forward_backward(const Step<T>& s, int first, int last) {
  for (int p = first; p < last; ++p) gather<T>(s, p);
  forward<T>(s, {first, last});
  for (int p = first; p < last; ++p) loss_of_panel<T>(s, p);
  backward<T>(s, {first, last});
}

// ---- ∂ℒ/∂W and the update -------------------------------------------------------------------------

template <class T>
void note(const Step<T>& s, Vec<T> check) {
  if (vsum<T>(check) != T(0)) __atomic_store_n(s.not_finite, 1, __ATOMIC_RELAXED);
}

template <class T>
size_t scratch_size(const Step<T>& s) {
  constexpr int NR = kPanel<T>;
  return size_t(kInputGroup) * s.n_panels * NR * NR + kRows * NR;
}

// h⁽ˡ⁻¹⁾ of the inputs i0 … i0 + lanes, turned from panels of samples into rows of samples.
template <class T>
void rows_of_units(const Step<T>& s, int l, int i0, int lanes, T* rows) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const int n_in = s.layers[l].n_in, units = n_in - i0 < lanes ? n_in - i0 : lanes;
  for (int p = 0; p < s.n_panels; ++p)
    for (int v = 0; v < lanes_of(s, p); v += W)
      for (int j = 0; j < lanes; j += W) {
        const T* from = s.h[l] + (int64_t(p) * n_in + i0 + j) * NR + v;
        T* to = rows + (int64_t(p) * NR + v) * NR + j;
        if (j + W <= units) {
          transpose<T>(from, NR, to, NR);
        } else {
          for (int a = 0; a < W; ++a)
            for (int i = 0; i < W; ++i)
              to[a * NR + i] = j + i < units ? from[int64_t(i) * NR + a] : T(0);
        }
      }
}

// kInputGroup panels of inputs, from i0, of ∂ℒ/∂W⁽ˡ⁾ = Σ_n ∂ℒ/∂z_n h_nᵀ, and what follows from them.
template <class T>
void weights(const Step<T>& s, Item item, int index, T* scratch) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  const Layer& layer = s.layers[item.layer];
  const int width = (layer.n_in + W - 1) / W * W;
  const int64_t block_size = int64_t(s.n_panels) * NR * NR;
  const int last = s.n - (s.n_panels - 1) * NR;
  Operands<T> o{s.n_panels, NR, last, s.dz[item.layer], NR, 1, int64_t(layer.n_out) * NR,
                nullptr, NR, int64_t(NR) * NR};
  if (item.layer == 0) o.b_step = layer.stride, o.b_block = int64_t(NR) * layer.stride;
  struct Block {
    const T* B;
    int i0, lanes;
  } blocks[kInputGroup];
  int n_blocks = 0;
  for (int i0 = item.i0; i0 < width && n_blocks < kInputGroup; i0 += NR, ++n_blocks) {
    const int lanes = width - i0 > W ? NR : W;
    T* rows = scratch + n_blocks * block_size;
    if (item.layer > 0) rows_of_units<T>(s, item.layer, i0, lanes, rows);
    blocks[n_blocks] = {item.layer == 0 ? s.x + i0 : rows, i0, lanes};
  }
  T* tile = scratch + kInputGroup * block_size;
  const Scalars<T> c(s.update);
  Vec<T> check{};
  double sum_abs = 0, sum_square = 0;
  const bool penalty = c.l1 != T(0) || c.l2 != T(0);
  for (int j = 0; j < layer.n_out; j += kRows) {
    const int m = layer.n_out - j < kRows ? layer.n_out - j : kRows;
    o.A = s.dz[item.layer] + int64_t(j) * NR;
    for (int q = 0; q < n_blocks; ++q) {
      const auto [B, i0, lanes] = blocks[q];
      o.B = B;
      const int64_t at = layer.W + int64_t(j) * layer.stride + i0;
      if (penalty)
        for (int r = 0; r < m; ++r) {
          Vec<T> a{}, square{};
          for (int v = 0; v < lanes; v += W) {
            const Vec<T> w = load<T>(s.theta + at + int64_t(r) * layer.stride + v);
            a += vabs<T>(w), square += w * w;
          }
          sum_abs += double(vsum<T>(a)), sum_square += double(vsum<T>(square));
        }
      const auto kernel = kProducts<T>.table[lanes > W][m];
      if (s.gradient) {
        kernel(o, nullptr, s.gradient + at, layer.stride);
        continue;
      }
      // the update that follows this one: of the next block of inputs, or of the next rows
      const bool same_rows = q + 1 < n_blocks;
      const int64_t next =
          same_rows ? at + NR : layer.W + int64_t(j + kRows) * layer.stride + blocks[0].i0;
      const int left = layer.n_out - j - (same_rows ? 0 : kRows);
      o.ahead[0] = s.theta + next, o.ahead[1] = s.slot0 + next, o.ahead[2] = s.slot1 + next;
      o.ahead_row = layer.stride;
      o.ahead_rows = left < 0 ? 0 : left < kRows ? left : kRows;
      o.ahead_lines = lanes * int(sizeof(T)) / 64 > 0 ? lanes * int(sizeof(T)) / 64 : 1;
      kernel(o, nullptr, tile, NR);
      for (int r = 0; r < m; ++r) {
        const int64_t row = at + int64_t(r) * layer.stride;
        update_any<T>(s.update, c, true, s.theta + row, s.slot0 + row, s.slot1 + row, tile + r * NR,
                      T(1), lanes, check);
      }
    }
  }
  s.penalty[2 * index] = sum_abs, s.penalty[2 * index + 1] = sum_square;
  if (item.i0 == 0) {  // ∂ℒ/∂b: the sum over the samples
    const int64_t end = (int64_t(layer.n_out) + W - 1) / W * W;
    for (int64_t j = 0; j < end; j += W) {
      alignas(kBytes) T g[W] = {};
      for (int i = 0; i < W && j + i < layer.n_out; ++i) {
        Vec<T> sum{};
        for (int p = 0; p < s.n_panels; ++p)
          for (int v = 0; v < NR; v += W)
            sum += load<T>(s.dz[item.layer] + (int64_t(p) * layer.n_out + j + i) * NR + v);
        g[i] = vsum<T>(sum);
      }
      const int64_t at = layer.b + j;
      if (s.gradient)
        memcpy(s.gradient + at, g, sizeof g);
      else
        update_any<T>(s.update, c, false, s.theta + at, s.slot0 + at, s.slot1 + at, g, T(1), W,
                      check);
    }
  }
  if (!s.gradient) note<T>(s, check);
}

template <class T>
double penalize(const Step<T>& s, int64_t begin, int64_t end, bool weights) {
  const T l1 = weights ? T(s.update.l1) : T(0), l2 = weights ? T(s.update.l2) : T(0);
  Vec<T> sum{};
  for (int64_t i = begin; i < end; i += Simd<T>::W) {
    const Vec<T> w = load<T>(s.theta + i), g = load<T>(s.gradient + i) + l2 * w + l1 * sign<T>(w);
    store<T>(s.gradient + i, g);
    sum += g * g;
  }
  return double(vsum<T>(sum));
}

template <class T>
void update(const Step<T>& s, int64_t begin, int64_t end, bool weights, T scale) {
  Vec<T> check{};
  Scalars<T> c(s.update);
  c.l1 = c.l2 = T(0);  // in the gradient already
  update_any<T>(s.update, c, weights, s.theta + begin, s.slot0 + begin,
                s.slot1 + begin, s.gradient + begin, scale, end - begin, check);
  note<T>(s, check);
}

template <class T>
void math(int function, const T* x, T* y, int64_t n) {
  for (int64_t i = 0; i < n; i += Simd<T>::W) {
    const Vec<T> v = load<T>(x + i);
    Vec<T> r;
    switch (function) {
      case 0: r = vexp<T>(v); break;
      case 1: r = vexpm1<T>(v); break;
      case 2: r = vlog<T>(v); break;
      case 3: r = vlog1p<T>(v); break;
      case 4: r = vtanh<T>(v); break;
      case 5: r = vsigmoid<T>(v); break;
      case 6: r = vsoftplus<T>(v); break;
      default: r = verfc<T>(v); break;
    }
    store<T>(y + i, r);
  }
}

template <class T>
constexpr Kernels<T> kKernels{Simd<T>::W, kPanel<T>, forward_backward<T>, weights<T>,
                              penalize<T>, update<T>, scratch_size<T>, math<T>, &kPredict<T>};

}  // namespace

#define CP_CONCAT2(a, b) a##b
#define CP_CONCAT(a, b) CP_CONCAT2(a, b)
#define CP_STRING2(a) #a
#define CP_STRING(a) CP_STRING2(a)

namespace clearprop {
extern const Isa CP_CONCAT(isa_, CLEARPROP_ISA);
const Isa CP_CONCAT(isa_, CLEARPROP_ISA){CP_STRING(CLEARPROP_ISA), &kKernels<float>,
                                         &kKernels<double>};
}  // namespace clearprop
