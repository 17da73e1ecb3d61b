#include "numpy_random.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <vector>

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

  // The next n numbers of [0, 1), a multiple of 2⁻⁵³ each, from two words.
  void doubles(double* x, int64_t n) {
    while (n > 0) {
      const int64_t count = std::min<int64_t>(n, (kWords - pos) / 2);
      for (int64_t i = 0; i < count; ++i)
        x[i] = of_words(words[pos + 2 * i], words[pos + 2 * i + 1]);
      pos += static_cast<int>(2 * count);
      x += count, n -= count;
      if (n == 0) return;
      const uint32_t a = (*this)(), b = (*this)();  // from the next block, or astride
      *x++ = of_words(a, b), --n;
    }
  }

  static double of_words(uint32_t a, uint32_t b) {
    const auto high = static_cast<int32_t>(a >> 5), low = static_cast<int32_t>(b >> 6);
    return (high * 67108864.0 + low) * 0x1p-53;
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
    const uint32_t smallest = mask >> 1;  // every i above it has this mask
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

// In stripes of a cache line: rows of x may be as far apart as makes them fight for the same places.
template <class T>
void uniform(Mt19937& state, double low, double high, T* x, int64_t n_out, int64_t n_in) {
  constexpr int64_t kWidth = 64 / sizeof(T);
  const double range = high - low;
  std::vector<double> row(static_cast<size_t>(n_out));
  std::vector<T> stripe(static_cast<size_t>(n_out * kWidth));
  Words words(state);
  for (int64_t first = 0; first < n_in; first += kWidth) {
    const int64_t width = std::min(kWidth, n_in - first);
    for (int64_t i = 0; i < width; ++i) {
      words.doubles(row.data(), n_out);
      for (int64_t o = 0; o < n_out; ++o)
        stripe[o * kWidth + i] = static_cast<T>(low + range * row[o]);
    }
    for (int64_t o = 0; o < n_out; ++o)
      std::copy_n(stripe.data() + o * kWidth, width, x + o * n_in + first);
  }
}

template void shuffle(Mt19937&, int32_t*, int64_t);
template void shuffle(Mt19937&, int64_t*, int64_t);
template void permute(BitGenerator&, int32_t*, int64_t);
template void permute(BitGenerator&, int64_t*, int64_t);
template void uniform(Mt19937&, double, double, float*, int64_t, int64_t);
template void uniform(Mt19937&, double, double, double*, int64_t, int64_t);

}  // namespace clearprop
