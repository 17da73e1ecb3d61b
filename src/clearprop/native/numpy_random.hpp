// Orders of rows and uniform numbers as NumPy draws them, number for number, on the generator's own
// state.
#pragma once

#include <cstdint>

namespace clearprop {

// NumPy's public bitgen_t (numpy/random/bitgen.h), which the capsule of a bit generator holds.
struct BitGenerator {
  void* state;
  uint64_t (*next_uint64)(void*);
  uint32_t (*next_uint32)(void*);
  double (*next_double)(void*);
  uint64_t (*next_raw)(void*);
};

// What `state` of a MT19937 points to. It is NumPy's private matter: see holds_state.
struct Mt19937 {
  static constexpr int kWords = 624;
  uint32_t key[kWords];
  int pos;
};

// Whether `state` is laid out as above: it is where it holds what NumPy itself says is in it.
bool holds_state(const Mt19937& state, const uint32_t* key, int pos);

// RandomState.shuffle(x[0 … n − 1]) for n < 2³², and the generator's state as that leaves it.
template <class Index>
void shuffle(Mt19937& state, Index* x, int64_t n);

// x ← Generator.permutation(n) for n < 2³², of whatever bit generator.
template <class Index>
void permute(BitGenerator& bits, Index* x, int64_t n);

// x (n_out, n_in) ← RandomState.uniform(low, high, (n_in, n_out))ᵀ, rounded to T.
template <class T>
void uniform(Mt19937& state, double low, double high, T* x, int64_t n_out, int64_t n_in);

}  // namespace clearprop
