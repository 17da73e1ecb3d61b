// The kernels of one training step, compiled once per instruction set (CLEARPROP_ISA names it).
//
// forward_backward: the lecture's two recursions for one panel of samples, from x to every ∂ℒ/∂z.
// weights (weights.hpp): ∂ℒ/∂W for a block of inputs of one layer, and the optimiser's update of it.

#include "job.hpp"
#include "optimizers.hpp"
#include "panel_activations.hpp"
#include "predict.hpp"
#include "product.hpp"
#include "weights.hpp"

namespace {

using namespace clearprop;

// A range of panels of the batch, which share each block of W while it is in the cache.
struct Panels {
  int first, last;
};
// C[0 … rows) = init + A·B for each panel, in blocks of kRows rows. B and C of panel 0 are given; each
// next panel is `b_panel` and `c_panel` further on.
template <class T>
void rows_of_product(const Step<T>& s, Panels panels, Operands<T> o, int64_t b_panel, int rows,
                     const T* init, T* C, int64_t c_panel) {
  for (int r = 0; r < rows; r += kRows) {
    const int m = rows - r < kRows ? rows - r : kRows;
    Operands<T> block = o;
    block.A += r * o.row;
    for (int p = panels.first; p < panels.last; ++p) {
      block.B = o.B + p * b_panel;
      if (o.gate) block.gate = o.gate + p * c_panel + r * kPanel<T>;
      kProducts<T>.table[lanes_of(s, p) > Simd<T>::W][m](block, init ? init + r : nullptr,
                                                         C + p * c_panel + r * kPanel<T>,
                                                         kPanel<T>);
    }
  }
}

// ---- a group of panels --------------------------------------------------------------------------

// W⁽ˡ⁾, of the first layer with the scale in it.
template <class T>
const T* weights_of(const Step<T>& s, int l) {
  return l == 0 && s.front.W ? s.front.W : s.theta + s.layers[l].W;
}

// Sets a panel's second vector to 0 if it has no samples.
template <class T>
void clear_missing(const Step<T>& s, int p, T* x, int units) {
  constexpr int W = Simd<T>::W, NR = kPanel<T>;
  if (lanes_of(s, p) == NR) return;
  for (int j = 0; j < units; ++j) store<T>(x + j * NR + W, Vec<T>{});
}

// z⁽ˡ⁾ = W⁽ˡ⁾ h⁽ˡ⁻¹⁾ + b⁽ˡ⁾ and h⁽ˡ⁾ = φ(z⁽ˡ⁾), up to z⁽ᴸ⁾.
template <class T>
void forward(const Step<T>& s, Panels panels) {
  constexpr int NR = kPanel<T>;
  for (int l = 0; l < s.n_layers; ++l) {
    const Layer& layer = s.layers[l];
    const int64_t below = int64_t(inputs_of_panel(s, l)) * NR;
    const int64_t size = int64_t(layer.n_out) * NR;
    const bool last = l + 1 == s.n_layers;
    T* out = last ? s.dz[l] : s.h[l + 1];
    Operands<T> o{1, 0, layer.n_in, weights_of(s, l), layer.stride, 1, 0, s.h[l], NR, 0};
    const bool slopes = !last && s.d[l + 1];
    o.gain = T(layer.gain);
    o.relu = layer.activation == Act::relu && !slopes;
    rows_of_product<T>(s, panels, o, below, layer.n_out, s.theta + layer.b, out, size);
    if (last) return;
    if (o.relu) continue;
    for (int p = panels.first; p < panels.last; ++p) activate_panel<T>(s, l, p);
  }
}

// ∂ℒ/∂z⁽ˡ⁾ = φ′(z⁽ˡ⁾) ⊙ W⁽ˡ⁺¹⁾ᵀ ∂ℒ/∂z⁽ˡ⁺¹⁾
template <class T>
void backward(const Step<T>& s, Panels panels) {
  constexpr int NR = kPanel<T>;
  for (int l = s.n_layers - 1; l >= 0; --l) {
    const Layer& layer = s.layers[l];
    if (l == 0) {  // ∂ℒ/∂h⁽⁰⁾ for what a front has learnt
      const int64_t size = int64_t(s.front.n_trained) * NR;
      Operands<T> o{1, 0, layer.n_out, weights_of(s, 0), 1, layer.stride, 0, s.dz[0], NR, 0};
      o.gain = T(layer.gain);
      rows_of_product<T>(s, panels, o, int64_t(layer.n_out) * NR, s.front.n_trained, nullptr,
                         s.front.dh, size);
      return;
    }
    const Layer& below = s.layers[l - 1];
    const int64_t size = int64_t(below.n_out) * NR;
    Operands<T> o{1, 0, layer.n_out, s.theta + layer.W, 1, layer.stride, 0, s.dz[l], NR, 0};
    o.gain = T(layer.gain);
    if (below.activation == Act::relu && !s.d[l]) o.gate = s.h[l];
    rows_of_product<T>(s, panels, o, int64_t(layer.n_out) * NR, layer.n_in, nullptr, s.dz[l - 1],
                       size);
    for (int p = panels.first; p < panels.last; ++p) {
      T* dz = s.dz[l - 1] + p * size;
      if (s.q[l])
        times_slopes<T>(dz, s.d[l] + p * size, s.q[l] + p * size, below.n_out, lanes_of(s, p));
      else if (!o.gate)
        times_derivative<T>(below.activation, dz, s.h[l] + p * size,
                            s.d[l] ? s.d[l] + p * size : nullptr, size);
      clear_missing<T>(s, p, dz, below.n_out);
    }
  }
}

template <class T>
void forward_backward(const Step<T>& s, int first, int last) {
  prefetch_rows<T>(s, first);
  for (int p = first; p < last; ++p) {
    if (p + 1 < last) prefetch_rows<T>(s, p + 1);
    if (s.front.n_parts > 0)
      front_forward<T>(s, p);
    else
      gather<T>(s, p);
  }
  forward<T>(s, {first, last});
  for (int p = first; p < last; ++p) loss_of_panel<T>(s, p);
  backward<T>(s, {first, last});
}

// ---- the whole gradient ---------------------------------------------------------------------------

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
double update(const Step<T>& s, int64_t begin, int64_t end, Name name, T scale) {
  IVec<T> largest{};
  Scalars<T> c(s.update, s.factors[name]);
  c.l1 = c.l2 = T(0);  // in the gradient already
  update_any<T>(s.update, c, is_weight(name), s.theta + begin, s.slot0 + begin, s.slot1 + begin,
                s.gradient + begin, scale, end - begin, largest);
  if (s.lower) project<T>(s, begin, end - begin);
  return largest_of<T>(largest);
}

template <class T>
double largest(const T* x, int64_t n) {
  IVec<T> most{};
  for (int64_t i = 0; i < n; i += Simd<T>::W) most = larger<T>(most, magnitude<T>(load<T>(x + i)));
  return largest_of<T>(most);
}

template <class T>
double largest_term(const Step<T>& s, int l) {
  const Layer& layer = s.layers[l];
  const int64_t samples = int64_t(s.n_panels) * kPanel<T>;
  return largest(s.h[l], samples * inputs_of_panel(s, l)) * largest(s.dz[l], samples * layer.n_out);
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

#if defined(CLEARPROP_TRAINING)  // alone, and of float64: for a small program
template <class T>
constexpr const PredictKernels<T>* kPrediction = nullptr;
#else
template <class T>
constexpr const PredictKernels<T>* kPrediction = &kPredict<T>;
#endif

template <class T>
constexpr Kernels<T> kKernels{Simd<T>::W,      kPanel<T>, forward_backward<T>, weights<T>,
                              penalize<T>,     update<T>, largest<T>,          largest_term<T>,
                              scratch_size<T>, math<T>,   kPrediction<T>,      renew<T>};

}  // namespace

#define CP_CONCAT2(a, b) a##b
#define CP_CONCAT(a, b) CP_CONCAT2(a, b)
#define CP_STRING2(a) #a
#define CP_STRING(a) CP_STRING2(a)

namespace clearprop {
extern const Isa CP_CONCAT(isa_, CLEARPROP_ISA);
#if defined(CLEARPROP_TRAINING)
const Isa CP_CONCAT(isa_, CLEARPROP_ISA){CP_STRING(CLEARPROP_ISA), nullptr, &kKernels<double>};
#else
const Isa CP_CONCAT(isa_, CLEARPROP_ISA){CP_STRING(CLEARPROP_ISA), &kKernels<float>,
                                         &kKernels<double>};
#endif
}  // namespace clearprop
