// Denormals cost a hundred cycles each and mean nothing here: flushed while in the engine, on each
// of its threads; the caller's floating-point state is put back.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace clearprop {

class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040 | 0x1f80); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#else
  FlushDenormals() {}
#endif
};

}  // namespace clearprop
