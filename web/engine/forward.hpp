// What the page asks for besides training: every z and h, losses of rows, where NaN came from.
#pragma once

#include "run.hpp"

namespace clearprop {

// z⁽ˡ⁾ and h⁽ˡ⁾ of each layer in turn (z⁽¹⁾, h⁽¹⁾, …, z⁽ᴸ⁾) and ŷ, each (n, units); ŷ alone unless `all`.
void forward(const JobSpec& spec, const double* theta, const double* X, int64_t n, bool all,
             double* out);

// ℒ of each row, (n,); over z, where dz is asked for, ∂ℒ/∂z of each row, (n, K)
void losses(const JobSpec& spec, const double* z, const double* t, int64_t n, double* out,
            double* dz);

// φ(z) and φ′(z) of n numbers, of which there is an even number
void activation(int act, const double* z, double* h, double* slope, int64_t n);

struct Origin {
  int quantity, layer, row;  // the quantity by its place in Python's QUANTITIES; −1 for none
};

// Where the step over these rows goes wrong, in the order of computation.
Origin origin_of_nonfinite(const JobSpec& spec, const double* theta, const Data<double>& data,
                           const int64_t* rows, int64_t n, uint64_t step, double dropout_factor);

}  // namespace clearprop
