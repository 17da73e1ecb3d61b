#include "run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

#include "denormals.hpp"
#include "pool.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace clearprop {

#if defined(__x86_64__)
extern const Isa isa_avx512, isa_avx2;
#endif
extern const Isa isa_baseline;

const std::vector<const Isa*>& available_isas() {
  static const std::vector<const Isa*> isas = [] {
    std::vector<const Isa*> found;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      found.push_back(&isa_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&isa_avx2);
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

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void team(int n_threads, int64_t n_items, const std::function<void(int64_t, int)>& f) {
  if (n_threads <= 1) {
    for (int64_t item = 0; item < n_items; ++item) f(item, 0);
    return;
  }
  parallel_for(n_threads, n_items, [&](int64_t item, int worker) {
    const FlushDenormals flush;
    f(item, worker);
  });
}

// Panels in groups, smaller ones where there are more threads than groups: it changes no number.
template <class F>
void over_panels(int n_panels, int n_threads, F&& f) {
  const int share = (n_panels + n_threads - 1) / n_threads;
  const int group = std::clamp(share, 1, kSampleGroup);
  team(n_threads, (n_panels + group - 1) / group, [&](int64_t g, int) {
    const int first = static_cast<int>(g) * group;
    f(first, std::min(first + group, n_panels));
  });
}

template <class T>
const Kernels<T>& kernels_of(const Isa& isa) {
  if constexpr (sizeof(T) == 4)
    return *isa.f32;
  else
    return *isa.f64;
}

// Rows at a time where there are no mini-batches: the buffers of a layer stay at 64 MB or so.
int64_t rows_at_a_time(const std::vector<int>& sizes, int panel) {
  const int64_t widest = *std::max_element(sizes.begin(), sizes.end());
  return std::clamp<int64_t>((int64_t{1} << 24) / widest / panel, 1, 4096 / panel) * panel;
}

int64_t padded(int64_t n, int to) { return (n + to - 1) / to * to; }

}  // namespace

template <class T>
typename Job<T>::Buffer Job<T>::allocate(int64_t n) {
  constexpr size_t huge = 2 << 20;  // large arrays on large pages, where the system has them
  const size_t wanted = static_cast<size_t>(std::max<int64_t>(n, 1)) * sizeof(T) + 64;
  const size_t unit = wanted >= 2 * huge ? huge : 64;
  const size_t bytes = (wanted + unit - 1) / unit * unit;
  void* p = std::aligned_alloc(unit, bytes);
  if (!p) throw std::bad_alloc();
#if defined(__linux__)
  if (unit == huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  std::memset(p, 0, bytes);
  return Buffer(static_cast<T*>(p), std::free);
}

template <class T>
Job<T>::Job(const Isa& isa, const JobSpec& spec, int64_t max_rows)
    : kernels_(kernels_of<T>(isa)),
      spec_(spec),
      theta_(nullptr, std::free),
      slots_{Buffer(nullptr, std::free), Buffer(nullptr, std::free)},
      gradient_(nullptr, std::free),
      x_(nullptr, std::free),
      t_(nullptr, std::free),
      loss_(nullptr, std::free) {
  const int W = kernels_.lanes, L = static_cast<int>(spec.sizes.size()) - 1;
  for (int l = 0; l < L; ++l) {
    Layer layer{};
    layer.n_in = spec.sizes[l], layer.n_out = spec.sizes[l + 1];
    layer.stride = static_cast<int>(padded(layer.n_in, W));
    // rows a multiple of 4 KiB apart would all fall into the same few sets of the cache
    if (layer.stride * sizeof(T) % 2048 == 0) layer.stride += W;
    layer.W = n_padded_;
    layer.b = layer.W + int64_t(layer.n_out) * layer.stride;
    layer.activation = l + 1 < L ? static_cast<Act>(spec.activations[l]) : Act::none;
    layer.dropout = l + 1 < L ? spec.dropout[l] : 0;
    layer.dropout_index = l + 1 < L ? spec.dropout_index[l] : 0;
    n_padded_ = layer.b + padded(layer.n_out, W);
    n_parameters_ += int64_t(layer.n_out) * (layer.n_in + 1);
    flops_per_row_ += 2.0 * layer.n_in * layer.n_out;
    layers_.push_back(layer);
    const int width = static_cast<int>(padded(layer.n_in, W));
    for (int i0 = 0; i0 < width; i0 += kInputGroup * kernels_.panel) items_.push_back({l, i0});
  }
  static constexpr int slots_of[] = {1, 1, 2, 1, 2};
  n_slots_ = slots_of[spec.optimizer];
  theta_ = allocate(n_padded_);
  for (int i = 0; i < n_slots_; ++i) slots_[i] = allocate(n_padded_);
  penalty_.resize(2 * items_.size());
  reserved_rows_ = 0;
  if (max_rows > 0) reserve(max_rows, true);
}

template <class T>
void Job<T>::reserve(int64_t rows, bool training) {
  if (rows <= reserved_rows_ && (reserved_training_ || !training)) return;
  const int64_t n = padded(rows, kernels_.panel);
  const int L = static_cast<int>(layers_.size());
  x_ = allocate(n * layers_[0].stride);
  t_ = allocate(n * layers_[L - 1].n_out);
  loss_ = allocate(n);
  h_.clear(), d_.clear(), dz_.clear(), scratch_.clear();
  h_pointers_.clear(), d_pointers_.clear(), dz_pointers_.clear();
  for (int l = 0; l < L; ++l) {
    h_.push_back(allocate(n * (l == 0 ? layers_[0].stride : layers_[l].n_in)));
    const bool own = l > 0 && training &&
                     (layers_[l - 1].dropout || static_cast<int>(layers_[l - 1].activation) >=
                                                    static_cast<int>(Act::gelu));
    d_.push_back(own ? allocate(n * layers_[l].n_in) : Buffer(nullptr, std::free));
    const bool needed = training || l + 1 == L;
    dz_.push_back(needed ? allocate(n * layers_[l].n_out) : Buffer(nullptr, std::free));
    h_pointers_.push_back(h_[l].get());
    d_pointers_.push_back(d_[l].get());
    dz_pointers_.push_back(dz_[l].get());
  }
  reserved_rows_ = n, reserved_training_ = training;
}

template <class T>
void Job<T>::spread(const T* flat, T* out) const {
  for (const Layer& layer : layers_) {
    for (int j = 0; j < layer.n_out; ++j, flat += layer.n_in)
      std::memcpy(out + layer.W + int64_t(j) * layer.stride, flat, layer.n_in * sizeof(T));
    std::memcpy(out + layer.b, flat, layer.n_out * sizeof(T));
    flat += layer.n_out;
  }
}

template <class T>
void Job<T>::collect(const T* in, T* flat) const {
  for (const Layer& layer : layers_) {
    for (int j = 0; j < layer.n_out; ++j, flat += layer.n_in)
      std::memcpy(flat, in + layer.W + int64_t(j) * layer.stride, layer.n_in * sizeof(T));
    std::memcpy(flat, in + layer.b, layer.n_out * sizeof(T));
    flat += layer.n_out;
  }
}

template <class T>
Update Job<T>::step_constants(double rate, double weight_sum) {
  Update u{};
  const double t = static_cast<double>(++optimizer_step);
  u.kind = static_cast<Opt>(spec_.optimizer);
  u.learning_rate = rate;
  u.decay = 1 - rate * spec_.weight_decay;
  u.epsilon = spec_.epsilon;
  u.l1 = spec_.l1;
  u.l2 = spec_.l2 + (weight_sum != 0 ? spec_.alpha / weight_sum : 0);
  u.a = u.kind == Opt::sgd || u.kind == Opt::nesterov ? spec_.momentum : spec_.beta_1;
  u.b = spec_.beta_2;
  if (u.kind == Opt::adam)
    u.c = rate * std::sqrt(1 - std::pow(spec_.beta_2, t)) / (1 - std::pow(spec_.beta_1, t));
  if (u.kind == Opt::nadam) {
    const double mu = spec_.beta_1 * (1 - 0.5 * std::pow(0.96, 0.004 * t));
    const double next = spec_.beta_1 * (1 - 0.5 * std::pow(0.96, 0.004 * (t + 1)));
    mu_product *= mu;
    u.c = rate * (1 - mu) / (1 - mu_product);
    u.d = rate * next / (1 - mu_product * next);
    u.learning_rate = 1 / std::sqrt(1 - std::pow(spec_.beta_2, t));
  }
  return u;
}

// More threads than the work of a phase is worth only wait for one another.
template <class T>
int Job<T>::useful_threads(int n_threads, double flops) const {
  return std::max(1, std::min(n_threads, static_cast<int>(flops / 2e6) + 1));
}

// Both phases of a step; returns the mean loss of the batch without penalty.
template <class T>
double Job<T>::accumulate(const Step<T>& step, int n_threads) {
  over_panels(step.n_panels, n_threads, [&](int first, int last) {
    kernels_.forward_backward(step, first, last);
  });
  double loss = 0;
  for (int i = 0; i < step.n; ++i) loss += static_cast<double>(step.loss[i]);
  if (!std::isfinite(loss) && !step.gradient) return loss;  // a wanted gradient is the definition's
  const size_t scratch = kernels_.scratch(step);
  while (static_cast<int>(scratch_.size()) < n_threads) scratch_.push_back(allocate(scratch));
  team(n_threads, static_cast<int64_t>(items_.size()), [&](int64_t i, int worker) {
    kernels_.weights(step, items_[i], static_cast<int>(i), scratch_[worker].get());
  });
  double sum_abs = 0, sum_square = 0;
  for (size_t i = 0; i < items_.size(); ++i)
    sum_abs += penalty_[2 * i], sum_square += penalty_[2 * i + 1];
  return loss + step.update.l1 * sum_abs + 0.5 * step.update.l2 * sum_square;
}

// g·min(1, norm/‖g‖) where the squares, or the factor, are beyond the numbers of T.
template <class T>
void shorten(T* g, int64_t n, double norm) {
  double largest = 0, square = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double a = std::abs(static_cast<double>(g[i]));
    if (!std::isfinite(a)) return;  // the step will be found to be none
    largest = std::max(largest, a);
  }
  if (largest == 0) return;
  for (int64_t i = 0; i < n; ++i) square += (g[i] / largest) * (g[i] / largest);
  const double length = std::sqrt(square);
  if (length * largest <= norm) return;
  for (int64_t i = 0; i < n; ++i) g[i] = static_cast<T>(g[i] / largest * (norm / length));
}

// The update when it needs the whole gradient first: scaled to at most clip_norm.
template <class T>
void Job<T>::clipped_update(Step<T>& step, int n_threads) {
  struct Span {
    int64_t begin, end;
    bool weights;
  };
  constexpr int64_t chunk = 1 << 15;
  std::vector<Span> spans;
  for (const Layer& layer : layers_) {
    for (int64_t at = layer.W; at < layer.b; at += chunk)
      spans.push_back({at, std::min(at + chunk, layer.b), true});
    spans.push_back({layer.b, layer.b + padded(layer.n_out, kernels_.lanes), false});
  }
  std::vector<double> squares(spans.size());
  const int64_t n = static_cast<int64_t>(spans.size());
  team(n_threads, n, [&](int64_t i, int) {
    squares[i] = kernels_.penalize(step, spans[i].begin, spans[i].end, spans[i].weights);
  });
  double square = 0;
  for (double s : squares) square += s;
  constexpr double tiny = sizeof(T) == 4 ? 1e-20 : 1e-250;
  T scale(1);
  if (square > tiny && square < std::numeric_limits<double>::infinity()) {
    const double norm = std::sqrt(square);
    if (norm > spec_.clip_norm) scale = static_cast<T>(spec_.clip_norm / norm);
  } else {
    shorten(gradient_.get(), n_padded_, spec_.clip_norm);
  }
  team(n_threads, n, [&](int64_t i, int) {
    kernels_.update(step, spans[i].begin, spans[i].end, spans[i].weights, scale);
  });
}

// A step over n rows, with the job's buffers; its weights, update and number are still to be set.
template <class T>
Step<T> Job<T>::make_step(const int64_t* rows, int64_t first, int n, bool training) {
  Step<T> step{};
  step.n_layers = static_cast<int>(layers_.size());
  step.n_outputs = layers_.back().n_out;
  step.layers = layers_.data();
  step.output = {static_cast<Out>(spec_.output), spec_.delta,
                 static_cast<int>(spec_.quantiles.size()), spec_.quantiles.data(),
                 static_cast<int>(spec_.groups.size()), spec_.groups.data()};
  step.theta = theta_.get();
  step.slot0 = slots_[0].get();
  step.slot1 = slots_[n_slots_ - 1].get();
  step.data = data_;
  step.rows = rows, step.first = first, step.n = n;
  step.n_panels = static_cast<int>(padded(n, kernels_.panel) / kernels_.panel);
  step.x = x_.get(), step.t = t_.get(), step.loss = loss_.get();
  step.h = h_pointers_.data(), step.d = d_pointers_.data(), step.dz = dz_pointers_.data();
  step.penalty = penalty_.data();
  step.not_finite = &not_finite_;
  step.seed = spec_.seed;
  step.train = training;
  return step;
}

template <class T>
double Job<T>::loss_and_gradient(int64_t n_rows, T* gradient, int n_threads) {
  const FlushDenormals flush;
  const int64_t block = std::min(n_rows, rows_at_a_time(spec_.sizes, kernels_.panel));
  reserve(block, true);
  if (!gradient_) gradient_ = allocate(n_padded_);
  double weight_sum = static_cast<double>(n_rows);
  if (data_.weight) {
    weight_sum = 0;
    for (int64_t i = 0; i < n_rows; ++i) weight_sum += data_.weight[i];
  }
  Buffer sum = allocate(n_padded_);
  double loss = 0;
  Step<T> step{};
  for (int64_t first = 0; first < n_rows; first += block) {
    step = make_step(nullptr, first, static_cast<int>(std::min(block, n_rows - first)), true);
    step.mean_weight = weight_sum != 0 ? 1 / weight_sum : 0;
    step.gradient = gradient_.get();
    step.update.l1 = spec_.l1;
    step.update.l2 = spec_.l2 + (weight_sum != 0 ? spec_.alpha / weight_sum : 0);
    const bool last = first + block >= n_rows;
    const Update penalty = step.update;
    if (!last) step.update = Update{};  // the penalty counts once
    loss += accumulate(step, useful_threads(n_threads, 6 * flops_per_row_ * step.n));
    if (last) step.update = penalty;
    for (int64_t i = 0; i < n_padded_; ++i) sum[i] += gradient_[i];
  }
  std::copy(sum.get(), sum.get() + n_padded_, gradient_.get());
  for (const Layer& layer : layers_) kernels_.penalize(step, layer.W, layer.b, true);
  collect(gradient_.get(), gradient);
  return loss;
}

template <class T>
EpochOutcome Job<T>::run_epoch(const int64_t* order, int64_t n_rows, const double* rates,
                               int64_t n_steps, double deadline, int n_threads,
                               const Interrupt& interrupt) {
  const FlushDenormals flush;
  const int64_t B = spec_.batch_size;
  reserve(std::min(B, n_rows), true);
  if (spec_.clip_norm > 0 && !gradient_) gradient_ = allocate(n_padded_);

  // to go back to if NaN or infinity appears: the state before the epoch, from which the good
  // steps are run again
  const auto count = static_cast<size_t>(n_padded_);
  std::vector<T> saved[3];
  saved[0].assign(theta_.get(), theta_.get() + count);
  for (int i = 0; i < n_slots_; ++i) saved[i + 1].assign(slots_[i].get(), slots_[i].get() + count);
  const int64_t step_before = optimizer_step, steps_before = this->n_steps;
  const double product_before = mu_product;

  const int threads = useful_threads(n_threads, 6 * flops_per_row_ * std::min(B, n_rows));
  EpochOutcome outcome;
  double last_asked = seconds_now();
  int64_t limit = n_steps;
  bool again = false;
  for (int64_t s = 0; s < limit; ++s) {
    const int64_t first = s * B;
    const int n = static_cast<int>(std::min(B, n_rows - first));
    double weight_sum = n;
    if (data_.weight) {
      weight_sum = 0;
      for (int64_t i = first; i < first + n; ++i) weight_sum += data_.weight[order ? order[i] : i];
    }
    Step<T> step = make_step(order ? order + first : nullptr, first, n, true);
    step.mean_weight = weight_sum != 0 ? 1 / weight_sum : 0;
    step.gradient = spec_.clip_norm > 0 ? gradient_.get() : nullptr;
    step.number = static_cast<uint64_t>(this->n_steps);
    step.update = step_constants(rates[s], weight_sum);
    not_finite_ = 0;
    const double loss = accumulate(step, threads);
    if (std::isfinite(loss) && spec_.clip_norm > 0) clipped_update(step, threads);
    if (!std::isfinite(loss) || not_finite_) {
      if (again) throw std::logic_error("a step that was finite is not, run again");
      std::copy(saved[0].begin(), saved[0].end(), theta_.get());
      for (int i = 0; i < n_slots_; ++i)
        std::copy(saved[i + 1].begin(), saved[i + 1].end(), slots_[i].get());
      optimizer_step = step_before, this->n_steps = steps_before, mu_product = product_before;
      outcome = EpochOutcome{};
      outcome.nonfinite = true;
      again = true;
      limit = s;
      s = -1;
      continue;
    }
    ++this->n_steps;
    outcome.loss += loss * n;
    outcome.n_steps += 1;
    outcome.n_samples += n;
    if (again) continue;
    const double now = seconds_now();
    if (now >= deadline) break;
    if (now - last_asked > 0.05) {
      last_asked = now;
      if (interrupt()) break;
    }
  }
  return outcome;
}

template class Job<float>;
template class Job<double>;

}  // namespace clearprop
