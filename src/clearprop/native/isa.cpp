#include "isa.hpp"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "cpu.hpp"

namespace clearprop {

#if defined(__x86_64__)
extern const Isa isa_avx512, isa_avx2;
#endif
extern const Isa isa_baseline;
extern const RoundedKernels* const bfloat16_kernels;  // null where the compiler had none

const std::vector<const Isa*>& available_isas() {
  static const std::vector<const Isa*> isas = [] {
    std::vector<const Isa*> found;
#if defined(__x86_64__)
    if (cpu().avx512) found.push_back(&isa_avx512);
    if (cpu().avx2) found.push_back(&isa_avx2);
#endif
    found.push_back(&isa_baseline);
    return found;
  }();
  return isas;
}

const Isa& chosen_isa() {
  const auto& isas = available_isas();
  const char* wanted = std::getenv("CLEARPROP_ISA");
  if (!wanted || !*wanted) return *isas.front();
  for (const Isa* isa : isas)
    if (std::strcmp(isa->name, wanted) == 0) return *isa;
  std::string names;
  for (const Isa* isa : isas) names += std::string(names.empty() ? "" : ", ") + isa->name;
  throw std::invalid_argument(std::string("CLEARPROP_ISA=") + wanted +
                              " is not available here; choose from " + names);
}

std::string why_not_bfloat16(const Isa& isa) {
  if (!bfloat16_kernels) return "this build of clearprop was compiled without AVX512_BF16";
  if (!cpu().avx512_bf16) return "this processor has no AVX512_BF16";
  if (std::strcmp(isa.name, "avx512") != 0)
    return std::string("it needs AVX-512 with AVX512_BF16, and the instruction set in use is ") +
           isa.name;
  return "";
}

template <class T>
Kernels<T> training_kernels(const Isa& isa, bool bfloat16) {
  if (bfloat16) {
    const std::string reason = sizeof(T) == 4 ? why_not_bfloat16(isa) : "it needs float32";
    if (!reason.empty()) throw std::invalid_argument("bfloat16: " + reason);
  }
  if constexpr (sizeof(T) == 4) {
    Kernels<T> kernels = *isa.f32;
    if (bfloat16) {
      kernels.forward_backward = bfloat16_kernels->forward_backward;
      kernels.weights = bfloat16_kernels->weights;
      kernels.scratch = bfloat16_kernels->scratch;
      kernels.renew = bfloat16_kernels->renew;
      kernels.largest_term = bfloat16_kernels->largest_term;
    }
    return kernels;
  } else {
    return *isa.f64;
  }
}

template Kernels<float> training_kernels<float>(const Isa&, bool);
template Kernels<double> training_kernels<double>(const Isa&, bool);

}  // namespace clearprop
