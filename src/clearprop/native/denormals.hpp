// Denormals cost a hundred cycles each and mean nothing here: flushed while in the engine, on each
// of its threads, which all round to nearest; the caller's floating-point state is put back.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace clearprop {

// The register that says how this thread calculates: rounding, denormals, traps.
class FloatState {
 public:
  static FloatState now() {
#if defined(__x86_64__)
    return FloatState(_mm_getcsr());
#elif defined(__aarch64__)
    uint64_t bits;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return FloatState(bits);
#else
    return FloatState(0);
#endif
  }
  static FloatState flushing() {
#if defined(__x86_64__)
    return FloatState(0x9fc0);  // all exceptions masked, denormals are 0 as results and operands
#elif defined(__aarch64__)
    return FloatState(1u << 24);
#else
    return FloatState(0);
#endif
  }
  void set() const {
#if defined(__x86_64__)
    _mm_setcsr(static_cast<unsigned>(bits_));
#elif defined(__aarch64__)
    asm volatile("msr fpcr, %0" : : "r"(bits_));
#endif
  }

 private:
  explicit FloatState(uint64_t bits) : bits_(bits) {}
  uint64_t bits_;
};

// A number as it is stored there. On WebAssembly there is no such state: vectors are flushed where they
// are stored (see simd.hpp), and what else may become so small by this.
inline double flushed_number(double x) {
#if defined(__wasm__)
  return x < 0x1p-1022 && x > -0x1p-1022 ? 0 : x;
#else
  return x;
#endif
}

class FlushDenormals {
 public:
  FlushDenormals() : saved_(FloatState::now()) { FloatState::flushing().set(); }
  FlushDenormals(const FlushDenormals&) = delete;
  ~FlushDenormals() { saved_.set(); }

 private:
  FloatState saved_;
};

}  // namespace clearprop
