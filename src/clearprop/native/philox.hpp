// Philox4x64-10 as NumPy has it: random bits as a function of key and counter alone.
// Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
#pragma once

#include <cstdint>

namespace {

struct Philox {
  uint64_t key[2];

  void block(const uint64_t (&counter)[4], uint64_t (&out)[4]) const {
    constexpr uint64_t m0 = 0xD2E7470EE14C6C93u, m1 = 0xCA5A826395121157u;
    constexpr uint64_t w0 = 0x9E3779B97F4A7C15u, w1 = 0xBB67AE8584CAA73Bu;
    uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint64_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round) {
      const unsigned __int128 p0 = static_cast<unsigned __int128>(m0) * c0;
      const unsigned __int128 p1 = static_cast<unsigned __int128>(m1) * c2;
      const uint64_t hi0 = static_cast<uint64_t>(p0 >> 64), lo0 = static_cast<uint64_t>(p0);
      const uint64_t hi1 = static_cast<uint64_t>(p1 >> 64), lo1 = static_cast<uint64_t>(p1);
      c0 = hi1 ^ c1 ^ k0;
      c1 = lo1;
      c2 = hi0 ^ c3 ^ k1;
      c3 = lo0;
      k0 += w0;
      k1 += w1;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
  }
};

}  // namespace
