// NumPy's default_rng: SeedSequence, PCG64, and the numbers that Generator draws from it, bit for bit.
// Sources: O'Neill, PCG (2014); Lemire, Fast random integer generation in an interval (2019); NumPy.

#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "exports.hpp"
#include "numpy_random.hpp"
#include "ziggurat.hpp"

using namespace clearprop;

namespace {

using Wide = unsigned __int128;

struct Pcg64 {
  Wide state, increment;
  uint32_t has_half, half;  // of a 64-bit number whose other half was drawn

  void step() {
    constexpr Wide multiplier = (Wide(0x2360ED051FC65DA4u) << 64) | 0x4385DF649FCCF645u;
    state = state * multiplier + increment;
  }
  uint64_t next64() {
    step();
    const auto high = static_cast<uint64_t>(state >> 64), low = static_cast<uint64_t>(state);
    const uint64_t x = high ^ low;
    const int turn = static_cast<int>(high >> 58);
    return (x >> turn) | (x << (-turn & 63));
  }
  uint32_t next32() {
    if (has_half) return has_half = 0, half;
    const uint64_t x = next64();
    has_half = 1, half = static_cast<uint32_t>(x >> 32);
    return static_cast<uint32_t>(x);
  }
  double next_double() { return static_cast<double>(next64() >> 11) * 0x1p-53; }
};

// NumPy's SeedSequence(seed).generate_state(4, uint64)
void mixed(uint64_t seed, uint64_t (&words)[4]) {
  constexpr uint32_t multiply_a = 0x931e8875u, multiply_b = 0x58f38dedu;
  uint32_t pool[4], a = 0x43b0d7e5u, b = 0x8b51f9ddu;
  const auto hash = [&a](uint32_t x) {
    x ^= a, a *= multiply_a, x *= a;
    return x ^ (x >> 16);
  };
  const auto mix = [](uint32_t x, uint32_t y) {
    const uint32_t z = 0xca01f9ddu * x - 0x4973f715u * y;
    return z ^ (z >> 16);
  };
  const uint32_t entropy[4] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), 0,
                               0};
  for (int i = 0; i < 4; ++i) pool[i] = hash(entropy[i]);
  for (int from = 0; from < 4; ++from)
    for (int to = 0; to < 4; ++to)
      if (from != to) pool[to] = mix(pool[to], hash(pool[from]));
  uint32_t halves[8];
  for (int i = 0; i < 8; ++i) {
    uint32_t x = pool[i % 4] ^ b;
    b *= multiply_b, x *= b;
    halves[i] = x ^ (x >> 16);
  }
  for (int i = 0; i < 4; ++i) words[i] = halves[2 * i] | uint64_t(halves[2 * i + 1]) << 32;
}

// log(1 + x) for −1 < x ≤ 0, with the bits of glibc's (fdlibm, Sun Microsystems 1993), which NumPy
// calls for the tails of the normal distribution.
double log1p_as_glibc(double x) {
  constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  constexpr double p[] = {0,
                          6.666666666666735130e-01,
                          3.999999999940941908e-01,
                          2.857142874366239149e-01,
                          2.222219843214978396e-01,
                          1.818357216161805012e-01,
                          1.531383769920937332e-01,
                          1.479819860510658591e-01};
  const auto high_word = [](double y) {
    uint64_t bits;
    memcpy(&bits, &y, 8);
    return static_cast<uint32_t>(bits >> 32);
  };
  const uint32_t magnitude = high_word(x) & 0x7fffffffu;
  if (magnitude < 0x3e200000u) return magnitude < 0x3c900000u ? x : x - x * x * 0.5;
  double f = x, c = 0;
  uint32_t rest = 1;
  int k = 0;
  if (high_word(x) > 0xbfd2bec3u) {  // x < −0.2929
    double u = 1.0 + x;
    rest = high_word(u);
    k = static_cast<int>(rest >> 20) - 1023;
    c = (k > 0 ? 1.0 - (u - x) : x - (u - 1.0)) / u;
    rest &= 0x000fffffu;
    uint64_t bits;
    memcpy(&bits, &u, 8);
    bits &= 0xffffffffu;
    if (rest < 0x6a09eu) {
      bits |= uint64_t(rest | 0x3ff00000u) << 32;
    } else {
      ++k;
      bits |= uint64_t(rest | 0x3fe00000u) << 32;
      rest = (0x00100000u - rest) >> 2;
    }
    memcpy(&u, &bits, 8);
    f = u - 1.0;
  }
  const double half_square = 0.5 * f * f;
  if (rest == 0) {
    if (f == 0) return k == 0 ? 0 : k * ln2_high + (c + k * ln2_low);
    const double r = half_square * (1.0 - 0.66666666666666666 * f);
    return k == 0 ? f - r : k * ln2_high - ((r - (k * ln2_low + c)) - f);
  }
  const double s = f / (2.0 + f), z = s * s;
  const double r1 = z * p[1], z2 = z * z;
  const double r2 = p[2] + z * p[3], z4 = z2 * z2;
  const double r3 = p[4] + z * p[5], z6 = z4 * z2;
  const double r4 = p[6] + z * p[7];
  const double r = r1 + z2 * r2 + z4 * r3 + z6 * r4;
  if (k == 0) return f - (half_square - s * (half_square + r));
  return k * ln2_high - ((half_square - (s * (half_square + r) + (k * ln2_low + c))) - f);
}

double normal(Pcg64& rng) {
  for (;;) {
    uint64_t r = rng.next64();
    const auto layer = static_cast<int>(r & 0xff);
    r >>= 8;
    const uint64_t magnitude = (r >> 1) & 0x000fffffffffffffu;
    double x = static_cast<double>(magnitude) * kZiggurat[layer].width;
    if (r & 1) x = -x;
    if (magnitude < kZiggurat[layer].inside) return x;
    if (layer == 0) {
      for (;;) {
        const double beyond = -kZigguratInverse * log1p_as_glibc(-rng.next_double());
        const double y = -log1p_as_glibc(-rng.next_double());
        if (y + y > beyond * beyond)
          return magnitude >> 8 & 1 ? -(kZigguratEnd + beyond) : kZigguratEnd + beyond;
      }
    }
    const double low = kZiggurat[layer].height, high = kZiggurat[layer - 1].height;
    if ((high - low) * rng.next_double() + low < std::exp(-0.5 * x * x)) return x;
  }
}

// 0 … most, without bias: the upper half of a product, unless its lower half is small
uint32_t below32(Pcg64& rng, uint32_t most) {
  if (most == 0xFFFFFFFFu) return rng.next32();
  const uint32_t n = most + 1;
  uint64_t product = uint64_t(rng.next32()) * n;
  if (static_cast<uint32_t>(product) < n) {
    const uint32_t threshold = (0xFFFFFFFFu - most) % n;
    while (static_cast<uint32_t>(product) < threshold) product = uint64_t(rng.next32()) * n;
  }
  return static_cast<uint32_t>(product >> 32);
}

uint64_t below64(Pcg64& rng, uint64_t most) {
  if (most == 0) return 0;
  if (most <= 0xFFFFFFFFu) return below32(rng, static_cast<uint32_t>(most));
  if (most == ~uint64_t{0}) return rng.next64();
  const uint64_t n = most + 1;
  Wide product = Wide(rng.next64()) * n;
  if (static_cast<uint64_t>(product) < n) {
    const uint64_t threshold = (~uint64_t{0} - most) % n;
    while (static_cast<uint64_t>(product) < threshold) product = Wide(rng.next64()) * n;
  }
  return static_cast<uint64_t>(product >> 64);
}

BitGenerator bits_of(Pcg64& rng) {
  BitGenerator bits{};
  bits.state = &rng;
  bits.next_uint32 = [](void* state) { return static_cast<Pcg64*>(state)->next32(); };
  return bits;
}

}  // namespace

CP_EXPORT(rng_new)
Pcg64* rng_new(uint64_t seed) {
  uint64_t words[4];
  mixed(seed, words);
  auto* rng = new Pcg64{};
  rng->increment = ((Wide(words[2]) << 64 | words[3]) << 1) | 1;
  rng->step();
  rng->state += Wide(words[0]) << 64 | words[1];
  rng->step();
  return rng;
}

CP_EXPORT(rng_free)
void rng_free(Pcg64* rng) { delete rng; }

// 16 bytes each of state and increment, then 4 bytes each of what is left of a 64-bit number
CP_EXPORT(rng_state)
void rng_state(const Pcg64* rng, unsigned char* bytes) {
  memcpy(bytes, &rng->state, 16), memcpy(bytes + 16, &rng->increment, 16);
  memcpy(bytes + 32, &rng->has_half, 4), memcpy(bytes + 36, &rng->half, 4);
}

CP_EXPORT(rng_set_state)
void rng_set_state(Pcg64* rng, const unsigned char* bytes) {
  memcpy(&rng->state, bytes, 16), memcpy(&rng->increment, bytes + 16, 16);
  memcpy(&rng->has_half, bytes + 32, 4), memcpy(&rng->half, bytes + 36, 4);
}

CP_EXPORT(rng_random)
void rng_random(Pcg64* rng, double low, double range, double* x, int n) {
  for (int i = 0; i < n; ++i) x[i] = low + range * rng->next_double();
}

CP_EXPORT(rng_normal)
void rng_normal(Pcg64* rng, double* x, int n) {
  for (int i = 0; i < n; ++i) x[i] = normal(*rng);
}

CP_EXPORT(rng_integer)
uint64_t rng_integer(Pcg64* rng, uint64_t most) { return below64(*rng, most); }

CP_EXPORT(rng_integers)
void rng_integers(Pcg64* rng, uint64_t most, double* x, int n) {
  for (int i = 0; i < n; ++i) x[i] = static_cast<double>(below64(*rng, most));
}

// Generator.permutation(n); a shuffle moves things in the same way
CP_EXPORT(rng_permutation)
void rng_permutation(Pcg64* rng, int32_t* x, int n) {
  BitGenerator bits = bits_of(*rng);
  permute(bits, x, n);
}
