// What the processor at hand can do, and the system lets it do. (__builtin_cpu_supports needs a
// library that Clang does not link on Windows.)
#pragma once

#include <cstdint>

namespace clearprop {

struct Cpu {
  bool avx2 = false;    // with FMA
  bool avx512 = false;  // F, BW, DQ and VL
  bool avx512_bf16 = false;
};

#if defined(__x86_64__)
inline const Cpu& cpu() {
  struct Words {
    uint32_t a, b, c, d;
  };
  const auto cpuid = [](uint32_t leaf, uint32_t part) {
    Words w;
    asm volatile("cpuid" : "=a"(w.a), "=b"(w.b), "=c"(w.c), "=d"(w.d) : "a"(leaf), "c"(part));
    return w;
  };
  static const Cpu found = [&] {
    Cpu f;
    const auto has = [](uint32_t word, auto... bit) { return ((word >> bit & 1) && ...); };
    const uint32_t last = cpuid(0, 0).a;
    const Words one = cpuid(1, 0);
    if (last < 7 || !has(one.c, 12, 27, 28)) return f;  // FMA, OSXSAVE, AVX
    uint32_t saved, high;  // the registers that the system saves: XMM, YMM; opmask and ZMM
    asm volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    const Words seven = cpuid(7, 0);
    f.avx2 = has(saved, 1, 2) && has(seven.b, 5);
    f.avx512 = f.avx2 && has(saved, 5, 6, 7) && has(seven.b, 16, 17, 30, 31);
    f.avx512_bf16 = f.avx512 && seven.a >= 1 && has(cpuid(7, 1).a, 5);
    return f;
  }();
  return found;
}
#else
inline const Cpu& cpu() {
  static const Cpu none;
  return none;
}
#endif

}  // namespace clearprop
