// What the native sources expect of the system, for a program with one thread, one instruction set, no
// clock, and nothing to import.

#include <cstdlib>

#include "isa.hpp"
#include "pool.hpp"

// NOLINTBEGIN(bugprone-reserved-identifier, bugprone-std-namespace-modification)
// There are no exceptions either: descriptions and sizes are checked before they could be thrown.
extern "C" void* __cxa_allocate_exception(size_t) { std::abort(); }
extern "C" void __cxa_throw(void*, void*, void (*)(void*)) { std::abort(); }
// without the C library's message, which needs files
namespace std {
inline namespace __1 {
void __libcpp_verbose_abort(const char*, ...) noexcept { __builtin_trap(); }
}  // namespace __1
}  // namespace std
// NOLINTEND(bugprone-reserved-identifier, bugprone-std-namespace-modification)

namespace clearprop {

extern const Isa isa_baseline;

const Isa& chosen_isa() { return isa_baseline; }

template <>
Kernels<double> training_kernels<double>(const Isa& isa, bool) {
  return *isa.f64;
}
template <>
Kernels<float> training_kernels<float>(const Isa&, bool) {
  std::abort();
}

bool parallel_for(int, int64_t n_items, const std::function<void(int64_t, int)>& f,
                  const Poll& poll) {
  for (int64_t item = 0; item < n_items; ++item) {
    if (poll && poll()) return false;
    f(item, 0);
  }
  return true;
}

}  // namespace clearprop
