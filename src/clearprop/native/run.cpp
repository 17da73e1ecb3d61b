#include "run.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "denormals.hpp"
#include "optimizers.hpp"
#include "pool.hpp"

namespace clearprop {
namespace {

// All items, unless the watch stops them, which its `cut` reports.
template <class F>
void team(int n_threads, int64_t n_items, F&& f, Watch* watch = nullptr) {
  if (n_threads > 1) {
    Poll poll;
    if (watch) poll = [watch] { return watch->stop(); };
    if (!parallel_for(n_threads, n_items, f, poll)) watch->cut = true;
    return;
  }
  for (int64_t item = 0; item < n_items; ++item) {
    if (watch && watch->stop()) {
      watch->cut = true;
      return;
    }
    f(item, 0);
  }
}

// Panels in groups of at most `most`, or in smaller groups if there are more threads than groups. The
// size of the groups changes no number.
template <class F>
void over_panels(int n_panels, int most, int n_threads, Watch* watch, F&& f) {
  const int share = (n_panels + n_threads - 1) / n_threads;
  const int group = std::clamp(share, 1, most);
  team(
      n_threads, (n_panels + group - 1) / group,
      [&](int64_t g, int) {
        const int first = static_cast<int>(g) * group;
        f(first, std::min(first + group, n_panels));
      },
      watch);
}

// Rows at a time without mini-batches, so that the buffers of a layer stay at about 64 MB.
int64_t rows_at_a_time(const std::vector<int>& sizes, int panel) {
  const int64_t widest = *std::max_element(sizes.begin(), sizes.end());
  return std::clamp<int64_t>((int64_t{1} << 24) / widest / panel, 1, 4096 / panel) * panel;
}

constexpr double kFlopsWorthAThread = 1e7;

}  // namespace

template <class T>
Update Job<T>::step_constants(double rate, double decay, double weight_sum) const {
  Update u{};
  u.kind = static_cast<Opt>(spec_.optimizer);
  u.learning_rate = rate;
  u.shrink = rate * spec_.weight_decay * decay;
  u.l1 = spec_.l1;
  u.l2 = spec_.l2 + (weight_sum != 0 ? spec_.l2_per_batch / weight_sum : 0);
  set_scalars(u, spec_.optimizer_constants.data(), powers_, optimizer_step + 1, mu_product);
  return u;
}

// More threads than the work of a phase is worth only wait for one another.
template <class T>
int Job<T>::useful_threads(int n_threads, double flops) const {
  const double worth = flops / kFlopsWorthAThread + 1;
  return static_cast<int>(std::clamp<double>(worth, 1, std::max(1, n_threads)));
}

// What a processor does in a hundredth to a tenth of a second, by the width of its vectors. If
// possible, no more than this is begun between two checks for Ctrl-C.
double flops_at_once(int lanes) { return 5e8 * lanes; }

// Rows at a time of a batch: all of them, unless the phase that updates the weights, which cannot be
// interrupted, would take long. Then the blocks add up to a gradient, and the update follows. Blocks
// also keep short rows of a large batch in the cache. The result depends on the sizes alone.
template <class T>
int64_t Job<T>::block_of(int64_t rows) const {
  const double most = std::clamp(flops_at_once(kernels_.lanes) / flops_per_row_, 256.0, 4096.0);
  const auto n_blocks = static_cast<int64_t>(std::ceil(static_cast<double>(rows) / most));
  return n_blocks <= 1 ? rows : padded((rows + n_blocks - 1) / n_blocks, kernels_.panel);
}

// Whether no number of the update can overflow: from the largest weight and the gradient or, as the
// fused update cannot be taken back, from the largest factors of the sums that it will consist of.
template <class T>
bool Job<T>::surely_finite(const Step<T>& step) const {
  constexpr double most = sizeof(T) == 4 ? 1e15 : 1e100;
  const Update& u = step.update;
  const double factor = *std::max_element(spec_.rate_factors.begin(), spec_.rate_factors.end());
  if (!(u.learning_rate * std::max(factor, 1.0) <= 1e3 && largest_ <= most)) return false;
  if (!(u.epsilon >= 1e-10)) return false;
  const double penalty = u.l1 + u.l2 * largest_;
  if (step.gradient) return kernels_.largest(step.gradient, n_padded_) + penalty <= most;
  for (int l = 0; l < step.n_layers; ++l) {
    const double term = layers_[l].gain * kernels_.largest_term(step, l);
    if (!(step.n * term + penalty <= most)) return false;
    const int64_t lanes = int64_t(step.n_panels) * kernels_.panel;
    if (step.q[l] && !(step.n * kernels_.largest(step.q[l], lanes * layers_[l].n_in) <= most))
      return false;
    // ∂ℒ/∂scale: sums over the units as well
    if (l == 0 && front_.W && !(step.n * term * largest_ * layers_[0].n_out <= most)) return false;
  }
  // factors of ∂ℒ/∂h⁽⁰⁾: the fraction, at most 2; x and W₂ of a period; how often a code occurs
  if (front_.n_trained > 0) {
    const int64_t lanes = int64_t(step.n_panels) * kernels_.panel;
    const double slope = kernels_.largest(step.front.dh, lanes * front_.n_trained);
    const double x = kernels_.largest(step.x, lanes * front_.stride);
    const double factor_of_x = 2 + front_layout_.most_codes + 7 * x * largest_ * front_.n_trained;
    if (!(step.n * slope * factor_of_x + penalty <= most)) return false;
  }
  return true;
}

// Phase A of a step, forward and backward; returns the mean loss of the rows without penalty. The
// watch may stop it.
template <class T>
double Job<T>::differentiate(const Step<T>& step, int n_threads, Watch* watch) {
  if (has_copies() && copies_are_old_) {
    team(n_threads, static_cast<int64_t>(items_.size()),
         [&](int64_t i, int) { kernels_.renew(step, items_[i]); });
    copies_are_old_ = false;
  }
  const double panel_flops = 2 * flops_per_row_ * kernels_.panel;
  const double most = flops_at_once(kernels_.lanes) / panel_flops;
  const int group = static_cast<int>(std::clamp<double>(most, 1, kSampleGroup));
  over_panels(step.n_panels, group, n_threads, watch,
              [&](int first, int last) { kernels_.forward_backward(step, first, last); });
  if (watch && watch->cut) return 0;
  return std::accumulate(panel_loss_.begin(), panel_loss_.begin() + step.n_panels, 0.0);
}

// Phase B, ∂ℒ/∂W and the update, or the gradient alone, which the watch may stop; returns the penalty.
template <class T>
double Job<T>::weigh(const Step<T>& step, int n_threads, Watch* watch) {
  while (static_cast<int>(scratch_.size()) < n_threads) {
    Step<T> largest = step;
    largest.n_panels = static_cast<int>(reserved_rows_ / kernels_.panel);
    const auto of_layers = static_cast<int64_t>(kernels_.scratch(largest));
    scratch_.push_back(allocate(std::max(of_layers, front_layout_.scratch)));
  }
  team(
      n_threads, static_cast<int64_t>(items_.size()),
      [&](int64_t i, int worker) {
        kernels_.weights(step, items_[i], static_cast<int>(i), scratch_[worker].get());
      },
      step.gradient ? watch : nullptr);
  double sum_abs = 0, sum_square = 0, largest = 0;
  for (const ItemResult& r : results_) {
    sum_abs += r.sum_abs, sum_square += r.sum_square;
    largest = std::max(largest, r.largest);
  }
  if (!step.gradient) largest_ = largest;
  return step.update.l1 * sum_abs + 0.5 * step.update.l2 * sum_square;
}

// Both for n_rows rows, block by block; the whole gradient is in step.gradient.
template <class T>
double Job<T>::whole_gradient(Step<T>& step, int64_t n_rows, int64_t block, int n_threads,
                              Watch* watch) {
  const int64_t* rows = step.rows;
  const int64_t first = step.first;
  const Update update = step.update;
  double loss = 0;
  for (int64_t begin = 0; begin < n_rows && !(watch && watch->cut); begin += block) {
    step.rows = rows ? rows + begin : nullptr;
    step.first = first + begin;
    step.before = begin;
    step.n = static_cast<int>(std::min(block, n_rows - begin));
    step.n_panels = static_cast<int>(padded(step.n, kernels_.panel) / kernels_.panel);
    step.add = begin > 0;
    step.update = begin + block < n_rows ? Update{} : update;  // the penalty counts once
    loss += differentiate(step, n_threads, watch);
    if (!(watch && watch->cut)) loss += weigh(step, n_threads, watch);
  }
  step.update = update;
  return loss;
}

// g·min(1, norm/‖g‖) if the squares, or the factor, exceed the range of T.
template <class T>
void shorten(T* g, int64_t n, double norm) {
  double largest = 0, square = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double a = std::abs(static_cast<double>(g[i]));
    if (!std::isfinite(a)) return;  // the step will be rejected
    largest = std::max(largest, a);
  }
  if (largest == 0) return;
  for (int64_t i = 0; i < n; ++i) square += (g[i] / largest) * (g[i] / largest);
  const double length = std::sqrt(square);
  if (length * largest <= norm) return;
  for (int64_t i = 0; i < n; ++i) g[i] = static_cast<T>(g[i] / largest * (norm / length));
}

// The update from the whole gradient, scaled to at most clip_norm.
template <class T>
void Job<T>::update_from_gradient(Step<T>& step, int n_threads) {
  struct Span {
    int64_t begin, end;
    Name name;
  };
  constexpr int64_t chunk = 1 << 15;
  std::vector<Span> spans;
  for (const auto& [begin, end, name] : arrays_)
    for (int64_t at = begin; at < end; at += chunk)
      spans.push_back({at, std::min(at + chunk, end), name});
  std::vector<double> squares(spans.size());
  const int64_t n = static_cast<int64_t>(spans.size());
  team(n_threads, n, [&](int64_t i, int) {
    squares[i] = kernels_.penalize(step, spans[i].begin, spans[i].end, is_weight(spans[i].name));
  });
  double square = 0;
  for (double s : squares) square += s;
  constexpr double tiny = sizeof(T) == 4 ? 1e-20 : 1e-250;
  T scale(1);
  if (spec_.clip_norm == 0) {
    // as it is
  } else if (square > tiny && square < std::numeric_limits<double>::infinity()) {
    const double norm = std::sqrt(square);
    if (norm > spec_.clip_norm) scale = static_cast<T>(spec_.clip_norm / norm);
  } else {
    shorten(gradient_.get(), n_padded_, spec_.clip_norm);
  }
  std::vector<double> largest(spans.size());
  team(n_threads, n, [&](int64_t i, int) {
    largest[i] = kernels_.update(step, spans[i].begin, spans[i].end, spans[i].name, scale);
  });
  largest_ = *std::max_element(largest.begin(), largest.end());
  copies_are_old_ = true;
}

// A step over n rows, with the job's buffers; its weights, update and number are still to be set.
template <class T>
Step<T> Job<T>::make_step(const int64_t* rows, int64_t first, int n) {
  Step<T> step{};
  step.n_layers = static_cast<int>(layers_.size());
  step.n_outputs = layers_.back().n_out;
  step.layers = layers_.data();
  step.output = {static_cast<Out>(spec_.output), static_cast<int>(spec_.output_constants.size()),
                 spec_.output_constants.data()};
  step.theta = theta_.get();
  step.slot0 = slots_[0].get();
  step.slot1 = slots_[n_slots_ - 1].get();
  step.lower = lower_.get(), step.upper = upper_.get();
  step.data = data_;
  step.rows = rows, step.first = first, step.n = n;
  step.n_panels = static_cast<int>(padded(n, kernels_.panel) / kernels_.panel);
  step.x = x_.get(), step.t = t_.get(), step.loss = panel_loss_.data();
  step.h = h_pointers_.data(), step.d = d_pointers_.data(), step.dz = dz_pointers_.data();
  step.q = q_pointers_.data();
  step.front = front_;
  step.front.bins = bins_ ? bins_->numbers.data() : nullptr;
  step.front.fraction = fraction_.get(), step.front.bin = bin_.data(), step.front.dh = dh_.get();
  step.factors = spec_.rate_factors.data();
  step.results = results_.data();
  step.rounded = {reinterpret_cast<uint32_t*>(rounded_.W.get()),
                  reinterpret_cast<uint32_t*>(rounded_.x.get()),
                  rounded_.h_pointers.data(),
                  rounded_.dz_pointers.data(),
                  rounded_.dz_pairs_pointers.data(),
                  reinterpret_cast<uint32_t*>(rounded_.largest.get())};
  step.seed = spec_.seed;
  return step;
}

template <class T>
double Job<T>::loss_and_gradient(int64_t n_rows, T* gradient, int n_threads,
                                 const Interrupt& interrupt) {
  const FlushDenormals flush;
  const int64_t block = std::min(block_of(n_rows), rows_at_a_time(spec_.sizes, kernels_.panel));
  reserve(block);
  if (!gradient_) gradient_ = allocate(n_padded_);
  double weight_sum = static_cast<double>(n_rows);
  if (data_.weight) {
    weight_sum = 0;
    for (int64_t i = 0; i < n_rows; ++i) weight_sum += data_.weight[i];
  }
  Step<T> step = make_step(nullptr, 0, static_cast<int>(block));
  step.mean_weight = weight_sum != 0 ? 1 / weight_sum : 0;
  step.gradient = gradient_.get();
  step.update.l1 = spec_.l1;
  step.update.l2 = spec_.l2 + (weight_sum != 0 ? spec_.l2_per_batch / weight_sum : 0);
  Watch watch(interrupt);
  const int threads = useful_threads(n_threads, flops_per_row() * static_cast<double>(block));
  const double loss = whole_gradient(step, n_rows, block, threads, &watch);
  if (watch.cut) return loss;
  for (const auto& [begin, end, name] : arrays_)
    if (is_weight(name)) kernels_.penalize(step, begin, end, true);
  collect(gradient_.get(), gradient);
  return loss;
}

// A state to go back to if NaN or infinity appears, from which the good steps are run again.
template <class T>
struct Job<T>::Snapshot {
  std::vector<T> arrays[3];
  int64_t step = 0, n_steps = 0, optimizer_step = 0;
  double mu_product = 1, largest = 0;
  EpochOutcome outcome;

  void take(const Job& job, int64_t at, const EpochOutcome& so_far) {
    const T* from[] = {job.theta_.get(), job.slots_[0].get(), job.slots_[1].get()};
    for (int i = 0; i <= job.n_slots_; ++i) arrays[i].assign(from[i], from[i] + job.n_padded_);
    step = at, n_steps = job.n_steps, optimizer_step = job.optimizer_step;
    mu_product = job.mu_product, largest = job.largest_, outcome = so_far;
  }
  void restore(Job& job) const {
    T* to[] = {job.theta_.get(), job.slots_[0].get(), job.slots_[1].get()};
    for (int i = 0; i <= job.n_slots_; ++i) std::copy(arrays[i].begin(), arrays[i].end(), to[i]);
    job.n_steps = n_steps, job.optimizer_step = optimizer_step;
    job.mu_product = mu_product, job.largest_ = largest;
  }
};

template <class T>
EpochOutcome Job<T>::run_epoch(const int64_t* order, int64_t n_rows, const Schedules& schedules,
                               int64_t n_steps, double deadline, int n_threads,
                               const Interrupt& interrupt) {
  const FlushDenormals flush;
  const int64_t B = spec_.batch_size;
  const int64_t block = block_of(std::min(B, n_rows));
  reserve(block);
  const bool whole = spec_.clip_norm > 0 || block < std::min(B, n_rows);
  if (whole && !gradient_) gradient_ = allocate(n_padded_);

  // Small networks are copied at the beginning of an epoch; large ones, for the memory's sake, only
  // before a step that could overflow.
  Snapshot snapshot;
  const bool small = n_padded_ * (1 + n_slots_) * sizeof(T) <= (4 << 20);
  bool bounded = !small;
  if (small) {
    snapshot.take(*this, 0, {});
  } else {
    constexpr double most = sizeof(T) == 4 ? 1e15 : 1e100;
    largest_ = kernels_.largest(theta_.get(), n_padded_);
    for (int i = 0; i < n_slots_; ++i)
      bounded = bounded && kernels_.largest(slots_[i].get(), n_padded_) <= (i ? most * most : most);
  }

  const double flops = flops_per_row() * static_cast<double>(block);
  const int threads = threads_for(n_rows, n_threads);
  EpochOutcome outcome;
  Watch watch(interrupt);
  const bool long_steps = whole || flops > 1e7;  // milliseconds: look at the clock within a step
  int64_t limit = n_steps;
  bool again = false;
  for (int64_t s = 0; s < limit; ++s) {
    const int64_t first = s * B;
    const int64_t n = std::min(B, n_rows - first);
    double weight_sum = static_cast<double>(n);
    if (data_.weight) {
      weight_sum = 0;
      for (int64_t i = first; i < first + n; ++i) weight_sum += data_.weight[order ? order[i] : i];
    }
    Step<T> step =
        make_step(order ? order + first : nullptr, first, static_cast<int>(std::min(block, n)));
    step.mean_weight = weight_sum != 0 ? 1 / weight_sum : 0;
    step.gradient = spec_.clip_norm > 0 || n > block ? gradient_.get() : nullptr;
    step.number = static_cast<uint64_t>(this->n_steps);
    step.update =
        step_constants(schedules.rates[s], schedules.decay ? schedules.decay[s] : 1, weight_sum);
    if (schedules.dropout) set_dropout(schedules.dropout[s]);
    Watch* inside = long_steps ? &watch : nullptr;
    double loss = step.gradient ? whole_gradient(step, n, block, threads, inside)
                                : differentiate(step, threads, inside);
    if (watch.cut) break;  // the step has not been made
    bool good = std::isfinite(loss);
    if (good) {
      if (!small && !again && !(bounded && surely_finite(step))) snapshot.take(*this, s, outcome);
      if (step.gradient)
        update_from_gradient(step, threads);
      else
        loss += weigh(step, threads, nullptr);
      good = std::isfinite(loss) && std::isfinite(largest_);
      if (!good) {
        if (again) throw std::logic_error("a step that was finite is not, run again");
        snapshot.restore(*this);
        copies_are_old_ = true;
        outcome = snapshot.outcome;
        limit = s, s = snapshot.step - 1;
        again = true;
      }
    } else {
      limit = s;  // θ has not been touched
    }
    if (!good) {
      outcome.nonfinite = true;
      continue;
    }
    ++this->n_steps, ++optimizer_step;
    mu_product = flushed_number(step.update.mu_product);
    outcome.loss += loss * static_cast<double>(n);
    outcome.n_steps += 1;
    outcome.n_samples += n;
    const double now = seconds_now();
    if ((now >= deadline && !again) || watch.stop(now)) break;
  }
  return outcome;
}

template class Job<float>;
template class Job<double>;

}  // namespace clearprop
