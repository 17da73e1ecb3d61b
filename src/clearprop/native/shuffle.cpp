#include "shuffle.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace clearprop {
namespace {

constexpr int kWords = Mt19937::kWords;

uint32_t mixed(uint32_t a, uint32_t b) {
  const uint32_t y = (a & 0x80000000u) | (b & 0x7fffffffu);
  return (y >> 1) ^ (-(y & 1u) & 0x9908b0dfu);
}

// The next 624 words (Matsumoto & Nishimura 1998), in stretches that do not read what they write.
void twist(uint32_t* key) {
  constexpr int shift = 397, back = kWords - shift;
  for (int i = 0; i < back; ++i) key[i] = key[i + shift] ^ mixed(key[i], key[i + 1]);
  for (int i = back; i < 2 * back; ++i) key[i] = key[i - back] ^ mixed(key[i], key[i + 1]);
  for (int i = 2 * back; i < kWords - 1; ++i) key[i] = key[i - back] ^ mixed(key[i], key[i + 1]);
  key[kWords - 1] = key[shift - 1] ^ mixed(key[kWords - 1], key[0]);
}

void temper(const uint32_t* key, uint32_t* words) {
  for (int i = 0; i < kWords; ++i) {
    uint32_t y = key[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    words[i] = y ^ (y >> 18);
  }
}

// Fisher and Yates from the end: x[i] changes places with x[j], j uniform in 0 … i, which is the
// first word that is ≤ i under the mask of i's bits. The words are sieved without a branch and the
// places changed afterwards: a rejected word, almost every third one, costs no misprediction, and
// where x is larger than the caches its entries are on their way meanwhile.
template <bool prefetch>
void run(Mt19937& state, int64_t* x, int64_t n) {
  uint32_t words[kWords], js[kWords + 1];
  temper(state.key, words);
  int pos = state.pos;
  auto i = static_cast<uint32_t>(n - 1);
  while (i > 0) {
    const uint32_t mask = ~uint32_t{0} >> std::countl_zero(i);
    const uint32_t smallest = mask >> 1;  // the mask is that of every i above it
    while (i > smallest) {
      if (pos >= kWords) {
        twist(state.key);
        temper(state.key, words);
        pos = 0;
      }
      const uint32_t first = i;
      uint32_t count = 0;
      for (; pos < kWords && i > smallest; ++pos) {
        const uint32_t j = words[pos] & mask, taken = j <= i;
        js[count] = j;
        if constexpr (prefetch) __builtin_prefetch(x + std::min<int64_t>(j, n - 1), 1);
        count += taken;
        i -= taken;
      }
      for (uint32_t k = 0; k < count; ++k) std::swap(x[first - k], x[js[k]]);
    }
  }
  state.pos = pos;
}

}  // namespace

bool holds_state(const Mt19937& state, const uint32_t* key, int pos) {
  return std::memcmp(state.key, key, sizeof state.key) == 0 && state.pos == pos;
}

void shuffle(Mt19937& state, int64_t* x, int64_t n) {
  if (n > 1 << 16)
    run<true>(state, x, n);
  else if (n > 1)
    run<false>(state, x, n);
}

}  // namespace clearprop
