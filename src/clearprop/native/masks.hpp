// The masks of dropout: bits drawn for all samples of a panel, 16 units at a time.
#pragma once

#include "panels.hpp"
#include "philox.hpp"

namespace {

using namespace clearprop;

constexpr int kMaskUnits = 16;  // of one block of random numbers

// The dropout masks of a panel of a layer, held for one group of `kMaskUnits` units at a time.
template <class T>
class Masks {
 public:
  using Int = typename Simd<T>::Int;

  Masks(const Step<T>& s, const Layer& layer, int p)
      : philox_(s.seed, uint64_t(layer.dropout_index), s.number), H_(layer.n_out),
        start_(uint64_t(s.before + p * kPanel<T>) * layer.n_out), threshold_(layer.dropout),
        keep_(T(65536.0 / (65536 - layer.dropout))) {}

  // Draws the masks of units j … j + 15; groups are drawn in order, from the first on. Sample i has
  // the numbers from start + i·H on, one per unit. For a group they are one block, or the end of a
  // block, which is kept from the previous group, and the beginning of the next one.
  void draw(int j) {
    Words at;
    for (int i = 0; i < kWords; ++i) at[i] = start_ + j + i * H_;
    for (int i = 0; i < kPanel<T>; i += kWords, at += kWords * H_) {
      const Words block = at / kMaskUnits;
      Words bits;
      if (start_ % kMaskUnits == 0 && H_ % kMaskUnits == 0) {
        bits = kept(block);
      } else {
        Words low;
        if (j == 0)
          low = kept(block);
        else
          memcpy(&low, last_ + i, kBytes);
        const Words next = kept(block + 1);
        memcpy(last_ + i, &next, kBytes);
        bits = (low | next << kMaskUnits) >> at % kMaskUnits;
      }
      typedef Int Some __attribute__((vector_size(kWords * sizeof(Int))));
      const Some some = __builtin_convertvector(bits, Some);
      memcpy(bits_ + i, &some, sizeof some);
    }
  }

  // 0 or 1/(1 − rate) of unit `u` of the group, for the samples from v on
  CP_INLINE Vec<T> mask(int u, int v) const {
    IVec<T> words;
    memcpy(&words, bits_ + v, kBytes);
    return (words & Int(1 << u)) != 0 ? all<T>(keep_) : Vec<T>{};
  }

 private:
  // Bit u of a lane: whether number u of its block is not below the threshold.
  CP_INLINE Words kept(Words block) const {
    typedef uint16_t Numbers __attribute__((vector_size(kBytes)));
    Words words[4], bits{};
    philox_.blocks(block + 1, words);  // NumPy counts before it draws
    const Numbers threshold = Numbers{} + uint16_t(threshold_);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {  // bits 4i, 4i + 1, … in the four numbers of a word
      const Words places = Words{} + (0x0008000400020001u << (4 * i));
      bits |= (Words)((Numbers)words[i] >= threshold) & places;
    }
    bits |= bits >> 32;
    return (bits | bits >> 16) & 0xFFFFu;
  }

  Philox philox_;
  uint64_t H_, start_;
  int threshold_;
  T keep_;
  alignas(kBytes) uint64_t last_[kPanel<T>];
  alignas(kBytes) Int bits_[kPanel<T>];
};

}  // namespace
