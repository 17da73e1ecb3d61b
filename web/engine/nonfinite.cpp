// Where a step went wrong, by the definition: engines/nonfinite.py in another language.

#include <algorithm>
#include <cmath>
#include <vector>

#include "forward.hpp"
#include "philox.hpp"

namespace clearprop {
namespace {

using Matrix = std::vector<double>;  // (n, units)

enum Quantity : int { kX, kT, kZ, kLoss, kDz, kDW, kTheta };

// The row of the first entry that is not finite, −1 for none
int first_bad(const Matrix& x, int columns) {
  for (size_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i])) return static_cast<int>(i / columns);
  return -1;
}

// The factors of dropout of a layer, as masks.hpp has them
Matrix masks(const JobSpec& spec, int l, int64_t n, uint64_t step, double factor) {
  const int H = spec.sizes[l + 1];
  const double threshold = std::min(std::nearbyint(spec.dropout[l] * factor * 65536), 65535.0);
  const double keep = 65536.0 / (65536 - threshold);
  const Philox philox(spec.seed, static_cast<uint64_t>(spec.dropout_index[l]), step);
  Matrix mask(static_cast<size_t>(n) * H);
  Words words[4];
  for (size_t i = 0; i < mask.size(); ++i) {
    if (i % 16 == 0) philox.blocks(Words{} + (i / 16 + 1), words);
    const uint64_t word = words[i % 16 / 4][0] >> (i % 4 * 16) & 0xFFFF;
    mask[i] = static_cast<double>(word) >= threshold ? keep : 0;
  }
  return mask;
}

struct Pass {
  const JobSpec& spec;
  const double* theta;
  int64_t n;
  std::vector<Matrix> z, h, d;  // of layers 1 … L; h[0] is X; d: ∂h/∂z with the mask

  int units(size_t l) const { return spec.sizes[l]; }
  const double* W(size_t l) const {  // of layer l, from 1
    const double* at = theta;
    for (size_t k = 1; k < l; ++k)
      at += int64_t(units(k)) * (units(k - 1) + 1) + (spec.slope(k - 1) ? units(k) : 0);
    return at;
  }

  void layer(size_t l, bool last, uint64_t step, double factor) {
    const int n_in = units(l - 1), n_out = units(l);
    const double *w = W(l), *b = w + int64_t(n_out) * n_in, gain = spec.gain(l - 1);
    Matrix value(static_cast<size_t>(n) * n_out);
    for (int64_t i = 0; i < n; ++i)
      for (int j = 0; j < n_out; ++j) {
        double sum = 0;
        for (int k = 0; k < n_in; ++k)
          sum += w[int64_t(j) * n_in + k] * h.back()[size_t(i) * n_in + k];
        value[size_t(i) * n_out + j] = gain * sum + b[j];
      }
    z.push_back(value);
    if (last) return;
    value.resize(value.size() + value.size() % 2);
    Matrix out(value.size()), slope(value.size());
    activation(spec.activations[l - 1], value.data(), out.data(), slope.data(),
               static_cast<int64_t>(value.size()));
    const Matrix mask =
        spec.dropout[l - 1] > 0 ? masks(spec, static_cast<int>(l) - 1, n, step, factor) : Matrix();
    out.resize(z.back().size()), slope.resize(z.back().size());
    for (size_t i = 0; i < out.size(); ++i) {
      if (spec.slope(l - 1)) {
        const double s = b[n_out + static_cast<int>(i % n_out)];
        out[i] = value[i] + s * (out[i] - value[i]), slope[i] = 1 + s * (slope[i] - 1);
      }
      if (!mask.empty()) out[i] *= mask[i], slope[i] *= mask[i];
    }
    h.push_back(out), d.push_back(slope);
  }

  // ∂ℒ/∂h⁽ˡ⁻¹⁾ from ∂ℒ/∂z⁽ˡ⁾
  Matrix below(size_t l, const Matrix& dz) const {
    const int n_in = units(l - 1), n_out = units(l);
    Matrix dh(static_cast<size_t>(n) * n_in);
    for (int64_t i = 0; i < n; ++i)
      for (int k = 0; k < n_in; ++k) {
        double sum = 0;
        for (int j = 0; j < n_out; ++j)
          sum += dz[size_t(i) * n_out + j] * spec.gain(l - 1) * W(l)[int64_t(j) * n_in + k];
        dh[size_t(i) * n_in + k] = sum;
      }
    return dh;
  }

  bool finite_weights(size_t l, const Matrix& dz) const {
    const int n_in = units(l - 1), n_out = units(l);
    for (int j = 0; j < n_out; ++j)
      for (int k = 0; k < n_in; ++k) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i)
          sum += dz[size_t(i) * n_out + j] * spec.gain(l - 1) * h[l - 1][size_t(i) * n_in + k];
        if (!std::isfinite(sum)) return false;
      }
    return true;
  }
};

// The mean loss; ∂ℒ/∂z over z
double output_pass(const JobSpec& spec, const Data<double>& data, const int64_t* rows, int64_t n,
                   const Matrix& t, Matrix& z) {
  const size_t K = spec.sizes.back();
  double total = 0, loss = 0;
  for (int64_t i = 0; i < n; ++i) total += data.weight ? data.weight[rows[i]] : 1;
  Matrix of_rows(static_cast<size_t>(n)), dz(z.size());
  losses(spec, z.data(), t.data(), n, of_rows.data(), dz.data());
  for (int64_t i = 0; i < n; ++i) {
    const double w = total != 0 ? (data.weight ? data.weight[rows[i]] : 1) / total : 0;
    if (w != 0) loss += w * of_rows[i];
    for (size_t k = 0; k < K; ++k) z[size_t(i) * K + k] = dz[size_t(i) * K + k] * w;
  }
  return loss;
}

}  // namespace

Origin origin_of_nonfinite(const JobSpec& spec, const double* theta, const Data<double>& data,
                           const int64_t* rows, int64_t n, uint64_t step, double factor) {
  const size_t L = spec.sizes.size() - 1;
  const int D = spec.sizes[0], K = spec.sizes[L];
  Matrix X(static_cast<size_t>(n) * D), t(static_cast<size_t>(n) * K);
  for (int64_t i = 0; i < n; ++i) {
    std::copy_n(data.X + rows[i] * D, D, X.data() + i * D);
    std::copy_n(data.t + rows[i] * K, K, t.data() + i * K);
  }
  if (const int row = first_bad(X, D); row >= 0) return {kX, -1, row};
  if (const int row = first_bad(t, K); row >= 0) return {kT, -1, row};
  Pass pass{spec, theta, n, {}, {X}, {}};
  for (size_t l = 1; l <= L; ++l) {
    pass.layer(l, l == L, step, factor);
    if (const int row = first_bad(pass.z.back(), spec.sizes[l]); row >= 0)
      return {kZ, static_cast<int>(l), row};
  }
  std::vector<Matrix> dz(L + 1);
  dz[L] = pass.z.back();
  if (!std::isfinite(output_pass(spec, data, rows, n, t, dz[L]))) return {kLoss, -1, -1};
  for (size_t l = L; l >= 1; --l) {
    if (const int row = first_bad(dz[l], spec.sizes[l]); row >= 0)
      return {kDz, static_cast<int>(l), row};
    if (l == 1) break;
    dz[l - 1] = pass.below(l, dz[l]);
    for (size_t i = 0; i < dz[l - 1].size(); ++i) dz[l - 1][i] *= pass.d[l - 2][i];
  }
  for (size_t l = L; l >= 1; --l)
    if (!pass.finite_weights(l, dz[l])) return {kDW, static_cast<int>(l), -1};
  return {kTheta, -1, -1};
}

}  // namespace clearprop
