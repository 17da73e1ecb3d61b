// What the page calls besides jobs and random numbers: memory, names, forward propagation.

#include "exports.hpp"

#include <cstdlib>
#include <string>

#include "activations.hpp"
#include "description.hpp"
#include "forward.hpp"
#include "isa.hpp"
#include "optimizers.hpp"
#include "output_units.hpp"
#include "spec_checks.hpp"

using namespace clearprop;

CP_EXPORT(allocate)
void* allocate(double bytes) {
  return fits(bytes) ? std::malloc(static_cast<size_t>(bytes)) : nullptr;
}

CP_EXPORT(release)
void release(void* p) { std::free(p); }

CP_EXPORT(error)
const char* error() { return last_error.c_str(); }

// Of the activations, output units, or optimisers, each with the names of its slots: one to a line.
CP_EXPORT(names)
const char* names(int table) {
  static std::string text;
  text.clear();
  if (table == 0)
    for (const ActivationInfo& a : kActivations) text += std::string(a.name) + "\n";
  if (table == 1)
    for (const OutputInfo& o : kOutputs) text += std::string(o.name) + "\n";
  if (table == 2)
    for (const OptimizerInfo& o : kOptimizers) {
      text += o.name;
      for (int i = 0; i < o.n_slots(); ++i) text += std::string(" ") + o.slots[i];
      text += '\n';
    }
  return text.c_str();
}

// The length of θ; −1 for no network.
CP_EXPORT(count)
double count(const double* numbers, int n) {
  JobSpec spec;
  return read_network(numbers, n, -1, spec) ? count_parameters(spec) : -1;
}

// See forward.hpp.
CP_EXPORT(forward)
int forward_rows(const double* numbers, int n_numbers, const double* theta, double n_theta,
                 const double* X, int n, int all, double* out) {
  JobSpec spec;
  if (!read_network(numbers, n_numbers, n_theta, spec)) return 0;
  double units = 0;
  for (int size : spec.sizes) units += size;
  if (!fits(8 * (n_theta + double(n) * spec.sizes[0] + 32 * units))) return 0;
  const auto copy = flushed_copy(theta, static_cast<int64_t>(n_theta));
  const auto rows = flushed_copy(X, int64_t(n) * spec.sizes[0]);
  forward(spec, copy.data(), rows.data(), n, all, out);
  return 1;
}

CP_EXPORT(losses)
int losses_of_rows(const double* numbers, int n_numbers, const double* z, const double* t, int n,
                   double* out) {
  JobSpec spec;
  if (!read_network(numbers, n_numbers, -1, spec)) return 0;
  losses(spec, z, t, n, out, nullptr);
  return 1;
}

// n: even
CP_EXPORT(activation)
void activation_of(int act, const double* z, double* h, double* slope, int n) {
  activation(act, z, h, slope, n);
}

// n: a multiple of 16; the functions as kernels.cpp numbers them
CP_EXPORT(math)
void math(int function, const double* x, double* y, int n) {
  chosen_isa().f64->math(function, x, y, n);
}
