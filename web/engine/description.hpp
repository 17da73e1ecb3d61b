// Networks and jobs as the page describes them: one list of numbers.
//
//   n, n sizes; an activation for each hidden layer; the output unit, m, m constants; a gain for each
//   layer; for each hidden layer 0 or 1 for slopes, and its rate of dropout. Of a job, also: the
//   optimiser, k, k constants; batch size, weight decay, l1, l2, l2_per_batch, clip_norm.
#pragma once

#include <string>
#include <vector>

#include "run.hpp"

namespace clearprop {

// The error of the last call that failed, for the page to read.
extern std::string last_error;

// Keeps the reason; false unless it is "".
bool good(const std::string& reason);

// False, with last_error set, if the numbers describe nothing that there can be. n_theta: length of θ.
bool read_network(const double* numbers, int n, double n_theta, JobSpec& spec);
bool read_job(const double* numbers, int n, double n_theta, JobSpec& spec);

// The numbers with denormals as 0: so the engine reads them on other processors.
std::vector<double> flushed_copy(const double* x, int64_t n);

// Whether so many bytes can be had; false, with last_error set, if not.
bool fits(double bytes);

}  // namespace clearprop
