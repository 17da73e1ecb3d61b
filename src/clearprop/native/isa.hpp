// Which of the instruction sets that the kernels were compiled for is in use.
#pragma once

#include <string>
#include <vector>

#include "job.hpp"

namespace clearprop {

const std::vector<const Isa*>& available_isas();  // best first
const Isa& chosen_isa();                          // CLEARPROP_ISA, or the best
// Why precision "bfloat16" is not to be had with this instruction set here; "" if it is.
std::string why_not_bfloat16(const Isa& isa);

// Those that train; std::invalid_argument where bfloat16 is not to be had.
template <class T>
Kernels<T> training_kernels(const Isa& isa, bool bfloat16);

}  // namespace clearprop
