// Aligned memory, on every system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(_WIN32)
#include <malloc.h>
#endif

namespace clearprop {

// n rounded up to a multiple.
inline int64_t padded(int64_t n, int to) { return (n + to - 1) / to * to; }

// `bytes` must be a multiple of `alignment`, a power of two. Throws std::bad_alloc.
inline void* aligned_memory(size_t alignment, size_t bytes) {
#if defined(_WIN32)
  void* p = _aligned_malloc(bytes, alignment);
#else
  void* p = std::aligned_alloc(alignment, bytes);
#endif
  if (!p) throw std::bad_alloc();
  return p;
}

inline void free_aligned(void* p) {
#if defined(_WIN32)
  _aligned_free(p);
#else
  std::free(p);
#endif
}

}  // namespace clearprop
