// Forward propagation of many rows, with the same operations in the same order as the kernels.

#include "forward.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "activations.hpp"
#include "output_units.hpp"

namespace clearprop {
namespace {

using V = Vec<double>;
constexpr int W = Simd<double>::W, kVectors = 8, kBlock = kVectors * W;  // rows at a time

Output output_of(const JobSpec& spec) {
  return {static_cast<Out>(spec.output), static_cast<int>(spec.output_constants.size()),
          spec.output_constants.data()};
}

// One unit for a block of rows, whose inputs are [input][row]: z = b + Σ w h, or gain · Σ w h + b.
void unit(const double* w, double b, double gain, const double* h, int n_in, double* z) {
  V sum[kVectors];
  for (V& s : sum) s = gain == 1 ? all<double>(b) : V{};
  for (int k = 0; k < n_in; ++k, h += kBlock) {
    const V x = all<double>(w[k]);
    for (int v = 0; v < kVectors; ++v) sum[v] += x * load<double>(h + v * W);
  }
  for (int v = 0; v < kVectors; ++v)
    store<double>(z + v * W, gain == 1 ? sum[v] : sum[v] * gain + all<double>(b));
}

// h = φ(z) of a block of a layer, with slopes if there are any
void activate(Act act, const double* slopes, const double* z, double* h, int n_out) {
  with_activation(act, [&]<Act a>() {
    for (int j = 0; j < n_out; ++j)
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = int64_t(j) * kBlock + v * W;
        const V x = load<double>(z + at), y = phi<double, a>(x, nullptr);
        if (!slopes)
          store<double>(h + at, y);
        else if (a == Act::relu)  // as in predict.hpp
          store<double>(h + at, x > 0.0 ? x : x * (1.0 - all<double>(slopes[j])));
        else
          store<double>(h + at, x + all<double>(slopes[j]) * (y - x));
      }
  });
}

// ŷ over z, both [unit][row]
void finish(const Output& output, int K, double* z) {
#pragma clang loop unroll(disable)
  for (int v = 0; v < kBlock; v += W) output_units<double>(output, K, z + v, kBlock);
}

// [unit][row] of a block into rows of `out`
void turned(const double* block, int units, int rows, double* out) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < units; ++j) out[int64_t(i) * units + j] = block[int64_t(j) * kBlock + i];
}

}  // namespace

void forward(const JobSpec& spec, const double* theta, const double* X, int64_t n, bool all,
             double* out) {
  const int L = static_cast<int>(spec.sizes.size()) - 1, D = spec.sizes[0], K = spec.sizes[L];
  const Output output = output_of(spec);
  const auto widest = *std::max_element(spec.sizes.begin(), spec.sizes.end());
  std::vector<double> h(static_cast<size_t>(widest) * kBlock), z(h.size());
  for (int64_t first = 0; first < n; first += kBlock) {
    const int rows = static_cast<int>(std::min<int64_t>(kBlock, n - first));
    for (int k = 0; k < D; ++k)
      for (int i = 0; i < kBlock; ++i)
        h[size_t(k) * kBlock + i] = i < rows ? X[(first + i) * D + k] : 0;
    const double* at = theta;
    double* to = out;
    for (int l = 1; l <= L; ++l) {
      const int n_in = spec.sizes[l - 1], n_out = spec.sizes[l];
      const double* b = at + int64_t(n_out) * n_in;
      for (int j = 0; j < n_out; ++j)
        unit(at + int64_t(j) * n_in, b[j], spec.gain(l - 1), h.data(), n_in,
             &z[size_t(j) * kBlock]);
      at = b + n_out;
      if (all) {
        turned(z.data(), n_out, rows, to + first * n_out);
        to += n * n_out;
      }
      if (l == L) break;
      const bool slopes = spec.slope(l - 1);
      activate(static_cast<Act>(spec.activations[l - 1]), slopes ? at : nullptr, z.data(), h.data(),
               n_out);
      if (slopes) at += n_out;
      if (all) {
        turned(h.data(), n_out, rows, to + first * n_out);
        to += n * n_out;
      }
    }
    finish(output, K, z.data());
    turned(z.data(), K, rows, to + first * K);
  }
}

void losses(const JobSpec& spec, const double* z, const double* t, int64_t n, double* out,
            double* dz) {
  constexpr int NR = kPanel<double>;
  const int K = spec.sizes.back();
  const Output output = output_of(spec);
  std::vector<double> z_panel(static_cast<size_t>(K) * NR), t_panel(z_panel.size());
  for (int64_t first = 0; first < n; first += W) {
    const int rows = static_cast<int>(std::min<int64_t>(W, n - first));
    for (int k = 0; k < K; ++k)
      for (int i = 0; i < W; ++i) {  // beyond the last row: that one again
        const int64_t at = (first + std::min(i, rows - 1)) * K + k;
        z_panel[size_t(k) * NR + i] = z[at], t_panel[size_t(k) * NR + i] = t[at];
      }
    double loss[W];
    store<double>(loss,
                  output_loss<double>({output, K, z_panel.data(), t_panel.data(), all<double>(1)}));
    std::copy_n(loss, rows, out + first);
    for (int i = 0; i < rows && dz; ++i)
      for (int k = 0; k < K; ++k) dz[(first + i) * K + k] = z_panel[size_t(k) * NR + i];
  }
}

void activation(int act, const double* z, double* h, double* slope, int64_t n) {
  with_activation(static_cast<Act>(act), [&]<Act a>() {
    for (int64_t i = 0; i < n; i += W) {
      V d{};
      const V value = phi<double, a>(load<double>(z + i), derivative_from_h(a) ? nullptr : &d);
      store<double>(h + i, value);
      store<double>(slope + i, derivative_from_h(a) ? dphi<double, a>(value) : d);
    }
  });
}

}  // namespace clearprop
