// The input of the prediction kernels: a network packed for them. Plain data, shared between the
// code that is compiled once and the kernels that are compiled per instruction set.
//
// Every z is one sum, from b over the inputs in their order, with one rounding per step on processors
// with fused multiply-add. So its bits do not depend on what else the call predicts. There are two
// ways to compute it:
//   panels  of `panel` samples, which are the vectors: [unit][panel], no lane is lost to odd widths
//   rows    of a few samples, where the units are the vectors: no sums across lanes, no waiting
// Both read W⁽ˡ⁾ as blocks of `units` units: [block][input][units], missing units 0.
#pragma once

#include "job.hpp"

namespace clearprop {

template <class T>
struct PackedLayer {
  int n_in, n_out;
  Act activation;
  const T *W, *b;           // W with the gain and the scale of its inputs in it
  const T *slope, *spread;  // of slopes, else null; each one `lanes` times
};

template <class T>
struct PackedNetwork {
  int n_layers;
  const PackedLayer<T>* layers;
  Output output;
  Front<T> front;  // what makes h⁽⁰⁾ of X, with its parameters
  const T* theta;
};

template <class T>
struct PredictKernels {
  int lanes, panel, units;  // samples to a vector and to a panel, units to a block
  int rows;                 // rows that share a pass over the weights
  // columns of the n ≤ panel rows at X, `ld` apart, to a panel [column][panel]
  void (*turn)(const T* X, int64_t ld, int n, int columns, T* slab);
  // h⁽⁰⁾ of n samples from their columns, both panels; and the front's tables, once before all that
  void (*front)(const PackedNetwork<T>&, const T* x, int n, T* h);
  void (*tabulate)(const PackedNetwork<T>&);
  // adds the products with the inputs k0 … k0 + n_k, which are `slab`, to z of all units; starts
  // with b at the first of them, ends with φ at the last
  void (*multiply)(const PackedLayer<T>&, int k0, int n_k, const T* slab, int n, T* out);
  // h⁽¹⁾ of n rows in CSR form; scratch holds n_out numbers, rounded up to blocks
  void (*sparse)(const PackedLayer<T>&, const Data<T>&, int64_t row, int n, T* scratch, T* out);
  // ŷ, or z⁽ᴸ⁾ as it is, from the panel of z⁽ᴸ⁾ to n rows of `out`
  void (*output)(const PackedNetwork<T>&, bool logits, T* z, int n, T* out);
  // z or h of n ≤ rows rows, for the units from `begin` to `end`, multiples of `units`
  void (*rows_layer)(const PackedLayer<T>&, const T* x, int64_t ld, int n, T* z, int64_t z_ld,
                     int begin, int end);
  // ŷ of n ≤ rows rows of z⁽ᴸ⁾; scratch holds K · lanes numbers
  void (*rows_output)(const PackedNetwork<T>&, const T* z, int64_t ld, int n, T* scratch, T* out);
  // limits[v]: of n rows in v + 1 vectors of samples, the largest n for which rows are faster
  void (*rows_limits)(const PackedNetwork<T>&, int* limits);
};

}  // namespace clearprop
