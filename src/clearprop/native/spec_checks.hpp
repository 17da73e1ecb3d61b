// Whether a description makes sense, before anything is built from it.
#pragma once

#include <cmath>
#include <iterator>
#include <string>

#include "activations.hpp"
#include "optimizers.hpp"
#include "output_units.hpp"
#include "run.hpp"

namespace clearprop {

// Why there is no such network; "" if there is.
inline std::string why_no_network(const JobSpec& spec) {
  if (spec.sizes.size() < 2) return "at least an input and an output";
  const size_t hidden = spec.sizes.size() - 2;
  if (!spec.gains.empty() && spec.gains.size() != hidden + 1) return "one gain per layer";
  for (double gain : spec.gains)
    if (!(gain > 0 && std::isfinite(gain))) return "gains must be > 0";
  if (!spec.slopes.empty() && spec.slopes.size() != hidden) return "one slope per hidden layer";
  if (spec.rate_factors.size() != kNames) return "a factor for each name";
  for (double f : spec.rate_factors)
    if (!(f >= 0 && std::isfinite(f))) return "factors must be >= 0";
  if (spec.scale && spec.parts.empty()) return "a scale needs parts";
  if (spec.activations.size() != hidden || spec.dropout.size() != hidden ||
      spec.dropout_index.size() != hidden)
    return "one activation and one dropout per hidden layer";
  for (int size : spec.sizes)
    if (size < 1) return "sizes must be >= 1";
  for (int a : spec.activations)
    if (a < 0 || a >= static_cast<int>(std::size(kActivations))) return "no such activation";
  for (double rate : spec.dropout)
    if (!(rate >= 0 && rate < 1)) return "dropout must lie in [0, 1)";
  if (spec.output < 0 || spec.output >= static_cast<int>(std::size(kOutputs)))
    return "no such output";
  const int wanted = kOutputs[spec.output].n_constants;
  const auto n = static_cast<int>(spec.output_constants.size());
  if (wanted < 0 ? n == 0 : n != wanted) return "constants of the output unit are missing";
  if (wanted == kSizes) {
    double units = 0;
    for (double size : spec.output_constants) {
      if (!(size >= 1 && size == std::floor(size))) return "groups must be >= 1";
      units += size;
    }
    if (units != spec.sizes.back()) return "groups must add up to the outputs";
  }
  return "";
}

// The length of θ. Throws std::invalid_argument for parts that make no sense.
inline double count_parameters(const JobSpec& spec) {
  double n = 0;
  if (!spec.parts.empty()) {
    const FrontLayout front(spec.parts, 1);
    n = static_cast<double>(front.n_parameters) + (spec.scale ? front.n_units : 0);
  }
  for (size_t l = 1; l < spec.sizes.size(); ++l) {
    const double n_out = spec.sizes[l];
    n += n_out * (spec.sizes[l - 1] + 1.0) + (spec.slope(l - 1) ? n_out : 0);
  }
  return n;
}

// Why a network, for which there is no reason against it, cannot be trained from `n_theta` numbers;
// "" if it can.
inline std::string why_no_job(const JobSpec& spec, double n_theta) {
  if (spec.optimizer < 0 || spec.optimizer >= static_cast<int>(std::size(kOptimizers)))
    return "no such optimizer";
  if (spec.optimizer_constants.size() !=
      static_cast<size_t>(kOptimizers[spec.optimizer].n_constants))
    return "constants of the optimizer are missing";
  if (spec.batch_size < 1) return "batch_size must be >= 1";
  if (!spec.parts.empty() && FrontLayout(spec.parts, 1).n_units != spec.sizes.front())
    return "the sizes must fit what the parts give";
  if (n_theta != count_parameters(spec)) return "theta has another length";
  if (spec.lower.size() != spec.upper.size() ||
      (!spec.lower.empty() && static_cast<double>(spec.lower.size()) != n_theta))
    return "the bounds must be as long as theta";
  for (size_t i = 0; i < spec.lower.size(); ++i)
    if (!(spec.lower[i] <= 0 && spec.upper[i] >= 0)) return "the bounds must contain 0";
  if (!spec.lower.empty() && spec.bfloat16) return "bounds: not with bfloat16";
  return "";
}

}  // namespace clearprop
