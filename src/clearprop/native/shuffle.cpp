#include "shuffle.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

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

// The words of a Mersenne twister, 624 at a time; its state is right again when this ends.
struct Words {
  Mt19937& state;
  int pos = state.pos;
  uint32_t words[kWords];

  explicit Words(Mt19937& of) : state(of) { temper(state.key, words); }
  ~Words() { state.pos = pos; }

  uint32_t operator()() {
    if (pos >= kWords) {
      twist(state.key);
      temper(state.key, words);
      pos = 0;
    }
    return words[pos++];
  }
};

// Fisher and Yates from the end: x[i] changes places with x[j], j uniform in 0 … i, which is the
// first word that is ≤ i under the mask of i's bits. The words are sieved without a branch and the
// places changed afterwards: a rejected word, almost every third one, costs no misprediction, and
// where x is larger than the caches its entries are on their way meanwhile.
template <bool prefetch, class Index, class Source>
void run(Source& next, Index* x, int64_t n) {
  constexpr uint32_t kBlock = 512;
  uint32_t js[kBlock];
  auto i = static_cast<uint32_t>(std::max<int64_t>(n - 1, 0));
  while (i > 0) {
    const uint32_t mask = ~uint32_t{0} >> std::countl_zero(i);
    const uint32_t smallest = mask >> 1;  // the mask is that of every i above it
    while (i > smallest) {
      const uint32_t first = i, last = i - std::min(i - smallest, kBlock);
      while (i > last) {
        const uint32_t j = next() & mask;
        js[first - i] = j;
        if constexpr (prefetch) __builtin_prefetch(x + std::min<int64_t>(j, n - 1), 1);
        i -= static_cast<uint32_t>(1 + ((int64_t{i} - int64_t{j}) >> 63));  // j ≤ i, without a jump
      }
      for (uint32_t k = 0; k < first - last; ++k) std::swap(x[first - k], x[js[k]]);
    }
  }
}

template <class Index, class Source>
void run(Source& next, Index* x, int64_t n) {
  if (n > 1 << 16)
    run<true>(next, x, n);
  else
    run<false>(next, x, n);
}

}  // namespace

bool holds_state(const Mt19937& state, const uint32_t* key, int pos) {
  return std::memcmp(state.key, key, sizeof state.key) == 0 && state.pos == pos;
}

template <class Index>
void shuffle(Mt19937& state, Index* x, int64_t n) {
  Words words(state);
  run(words, x, n);
}

template <class Index>
void permute(BitGenerator& bits, Index* x, int64_t n) {
  std::iota(x, x + n, Index{0});
  const auto next = [&bits] { return bits.next_uint32(bits.state); };
  run(next, x, n);
}

template void shuffle(Mt19937&, int32_t*, int64_t);
template void shuffle(Mt19937&, int64_t*, int64_t);
template void permute(BitGenerator&, int32_t*, int64_t);
template void permute(BitGenerator&, int64_t*, int64_t);

}  // namespace clearprop
