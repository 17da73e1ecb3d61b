// Jobs for the page: module.cpp in another language. Functions that can fail return 0, and error()
// says why.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "description.hpp"
#include "exports.hpp"
#include "forward.hpp"

using namespace clearprop;

namespace {

// A job with its copy of the data
struct Training {
  JobSpec spec;
  std::vector<double> X, t, weight;
  int64_t n;
  Data<double> data{};
  std::unique_ptr<Job<double>> job;
};

Training* started(JobSpec&& spec, const double* theta, int64_t n_theta, const double* X,
                  const double* t, const double* weight, int64_t n) {
  const int D = spec.sizes.front(), K = spec.sizes.back();
  double units = 0;
  for (int size : spec.sizes) units += size;
  const double batch = std::min<double>(spec.batch_size, static_cast<double>(n)) + 4;
  if (!fits(8 * (8.0 * n_theta + (D + K + 1.0) * n + 6 * batch * units))) return nullptr;
  auto made = std::make_unique<Training>();
  made->spec = std::move(spec);
  made->X = flushed_copy(X, n * D), made->t = flushed_copy(t, n * K);
  if (weight) made->weight = flushed_copy(weight, n);
  made->n = n;
  made->data.X = made->X.data(), made->data.ld = D, made->data.t = made->t.data();
  made->data.weight = weight ? made->weight.data() : nullptr;
  made->job = std::make_unique<Job<double>>(chosen_isa(), made->spec);
  made->job->set_data(made->data);
  made->job->write_theta(flushed_copy(theta, n_theta).data());
  return made.release();
}

const Interrupt kNever = [] { return false; };

}  // namespace

CP_EXPORT(start)
Training* start(const double* numbers, int n_numbers, uint64_t seed, const double* theta,
                double n_theta, const double* X, const double* t, const double* weight, double n) {
  JobSpec spec;
  if (!read_job(numbers, n_numbers, n_theta, spec)) return nullptr;
  if (!(n >= 1)) return good("there are no rows"), nullptr;
  spec.seed = seed;
  return started(std::move(spec), theta, static_cast<int64_t>(n_theta), X, t, weight,
                 static_cast<int64_t>(n));
}

CP_EXPORT(end)
void end(Training* training) { delete training; }

// n_order: −1 for all rows as they are. result: Σ loss · rows, steps, samples, whether a step failed,
// and then: quantity, layer, row.
CP_EXPORT(run)
int run(Training* training, const int32_t* order, int n_order, const double* rates,
        const double* dropout, const double* decay, int n_steps, double* result) {
  Training& t = *training;
  const int64_t n_rows = n_order < 0 ? t.n : n_order, B = t.spec.batch_size;
  if (n_steps > (n_rows + B - 1) / B) return good("more learning rates than batches");
  for (int i = 0; i < n_order; ++i)
    if (order[i] < 0 || order[i] >= t.n) return good("order must be row numbers");
  for (const double* factors : {dropout, decay})
    for (int i = 0; factors && i < n_steps; ++i)
      if (!(factors[i] >= 0)) return good("factors must be >= 0");
  const std::vector<int64_t> rows(order, order + std::max(n_order, 0));
  const Schedules schedules{rates, dropout, decay};
  const EpochOutcome outcome = t.job->run_epoch(n_order < 0 ? nullptr : rows.data(), n_rows,
                                                schedules, n_steps,
                                                std::numeric_limits<double>::infinity(), 1, kNever);
  result[0] = outcome.loss;
  result[1] = static_cast<double>(outcome.n_steps);
  result[2] = static_cast<double>(outcome.n_samples);
  result[3] = outcome.nonfinite;
  if (outcome.nonfinite) {
    std::vector<int64_t> batch;
    const int64_t first = outcome.n_steps * B;
    for (int64_t i = first; i < std::min(first + B, n_rows); ++i)
      batch.push_back(n_order < 0 ? i : rows[i]);
    std::vector<double> theta(static_cast<size_t>(t.job->n_parameters()));
    t.job->read_theta(theta.data());
    const Origin origin = origin_of_nonfinite(t.spec, theta.data(), t.data, batch.data(),
                                              static_cast<int64_t>(batch.size()),
                                              static_cast<uint64_t>(t.job->n_steps),
                                              dropout ? dropout[outcome.n_steps] : 1);
    result[4] = origin.quantity, result[5] = origin.layer, result[6] = origin.row;
  }
  return 1;
}

// ℒ and ∂ℒ/∂θ over all rows, without dropout; of a job, or of a network that is no job
CP_EXPORT(gradient)
double gradient(Training* training, double* gradient) {
  return training->job->loss_and_gradient(training->n, gradient, 1, kNever);
}

// slot −1: θ
CP_EXPORT(read)
void read_values(const Training* training, int slot, double* values) {
  if (slot < 0)
    training->job->read_theta(values);
  else
    training->job->read_slot(slot, values);
}

CP_EXPORT(write)
void write_values(Training* training, int slot, const double* values) {
  const std::vector<double> copy = flushed_copy(values, training->job->n_parameters());
  if (slot < 0)
    training->job->write_theta(copy.data());
  else
    training->job->write_slot(slot, copy.data());
}

CP_EXPORT(counts)
void counts(const Training* training, double* values) {
  values[0] = static_cast<double>(training->job->n_steps);
  values[1] = static_cast<double>(training->job->optimizer_step);
  values[2] = training->job->mu_product;
}

CP_EXPORT(set_counts)
void set_counts(Training* training, double n_steps, double step, double mu_product) {
  training->job->n_steps = static_cast<int64_t>(n_steps);
  training->job->optimizer_step = static_cast<int64_t>(step);
  training->job->mu_product = mu_product;
}
