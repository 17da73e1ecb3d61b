// Jobs under way: their memory (run_memory.cpp), and the loop over the mini-batches of an epoch.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "front_layout.hpp"
#include "interrupt.hpp"
#include "isa.hpp"
#include "memory.hpp"
#include "optimizers.hpp"

namespace clearprop {

// A network and how it is trained, as the user described it; sizes are the true ones.
struct JobSpec {
  std::vector<PartSpec> parts;          // of the front, none for X as it is
  bool scale = false;                   // whether h⁽⁰⁾ is scaled, in a front
  std::vector<int> sizes, activations;  // H_0, H_1, …, K; one per hidden layer
  std::vector<double> gains;            // per layer; none for 1
  std::vector<int> slopes;              // 0 or 1 per hidden layer; none for 0
  std::vector<double> dropout;          // rates
  std::vector<int> dropout_index;       // per hidden layer
  std::vector<double> rate_factors = std::vector<double>(kNames, 1.0);  // by Name
  int output = 0, optimizer = 0;
  std::vector<double> output_constants, optimizer_constants;  // in their formulas
  int batch_size = 1;
  double weight_decay = 0;
  double l1 = 0, l2 = 0, l2_per_batch = 0, clip_norm = 0;  // clip_norm 0: none
  std::vector<double> lower,
      upper;  // bounds of θ as the definition lays it out; none for no bounds
  uint64_t seed = 0;
  bool bfloat16 = false;  // of the products' operands

  int n_columns() const {  // of X
    int n = 0;
    for (const PartSpec& part : parts) n += part.n * part.n_codes;
    return parts.empty() ? sizes.front() : n;
  }
  double gain(size_t layer) const { return gains.empty() ? 1.0 : gains[layer]; }
  bool slope(size_t layer) const { return layer < slopes.size() && slopes[layer]; }
};

// What is different from step to step, an entry for each.
struct Schedules {
  const double* rates;
  const double *dropout, *decay;  // factors of the rates of dropout and of the decay, null for 1
};

struct EpochOutcome {
  double loss = 0;  // Σ batch loss · rows
  int64_t n_steps = 0, n_samples = 0;
  bool nonfinite = false;
};

template <class T>
class Job {
 public:
  Job(const Isa& isa, const JobSpec& spec);

  void set_data(const Data<T>& data) { data_ = data; }
  // The bins of the data's rows, to be shared by jobs with the same parts; null: they are looked for
  // in each step.
  void set_bins(std::shared_ptr<const Bins> bins) { bins_ = std::move(bins); }
  bool wants_bins() const { return front_layout_.n_binned > 0 && front_layout_.few_bins && !bins_; }
  const std::vector<PartSpec>& parts() const { return spec_.parts; }
  const FrontLayout& front_layout() const { return front_layout_; }
  const T* edges() const { return front_tables_.edges(); }
  EpochOutcome run_epoch(const int64_t* order, int64_t n_rows, const Schedules& schedules,
                         int64_t n_steps, double deadline, int n_threads,
                         const Interrupt& interrupt);
  // ℒ + penalty over all rows, and its gradient (P,), which is left alone after an interrupt
  double loss_and_gradient(int64_t n_rows, T* gradient, int n_threads, const Interrupt& interrupt);

  int64_t n_parameters() const { return n_parameters_; }
  void write_theta(const T* theta) {
    spread(theta, theta_.get());
    copies_are_old_ = true;
  }
  void read_theta(T* theta) const { collect(theta_.get(), theta); }
  void write_slot(int slot, const T* values) { spread(values, slots_[slot].get()); }
  void read_slot(int slot, T* values) const { collect(slots_[slot].get(), values); }
  // The job is over; gives back the memory of its batches.
  void end();
  // After that: copies θ (slot −1) or a slot and gives back its memory; nothing if that was done.
  void take(int slot, T* values);
  bool is_over() const { return over_; }
  int n_slots() const { return n_slots_; }
  int batch_size() const { return spec_.batch_size; }
  double flops_per_row() const { return 3 * flops_per_row_; }  // of training
  // how many threads a step is worth of in an epoch over so many rows
  int threads_for(int64_t n_rows, int n_threads) const {
    return useful_threads(n_threads,
                          flops_per_row() * block_of(std::min<int64_t>(batch_size(), n_rows)));
  }
  int64_t n_steps = 0;         // in all: names the dropout masks
  int64_t optimizer_step = 0;  // of the optimiser's own count
  double mu_product = 1;       // NAdam's ∏μ

 private:
  struct Snapshot;
  using Buffer = std::unique_ptr<T[], void (*)(void*)>;
  Buffer allocate(int64_t n);
  void reserve(int64_t rows);
  void reserve_rounded(int64_t n);
  template <class Copy>
  void each_row(const Copy& copy) const;
  void spread(const T* flat, T* padded) const;
  void collect(const T* padded, T* flat) const;
  void lay_out_front();
  void lay_out_bounds();
  void set_dropout(double factor);
  bool has_copies() const { return spec_.bfloat16 || !front_layout_.empty(); }
  Update step_constants(double rate, double decay, double weight_sum) const;
  Step<T> make_step(const int64_t* rows, int64_t first, int n);
  bool surely_finite(const Step<T>& step) const;
  double differentiate(const Step<T>& step, int n_threads, Watch* watch);
  double weigh(const Step<T>& step, int n_threads, Watch* watch);
  double whole_gradient(Step<T>& step, int64_t n_rows, int64_t block, int n_threads, Watch* watch);
  int64_t block_of(int64_t rows) const;
  void update_from_gradient(Step<T>& step, int n_threads);
  int useful_threads(int n_threads, double flops) const;

  const Kernels<T> kernels_;
  JobSpec spec_;
  Powers powers_;
  FrontLayout front_layout_;
  FrontTables<T> front_tables_;
  Front<T> front_{};
  std::vector<FrontItem> front_items_;
  std::shared_ptr<const Bins> bins_;
  std::vector<FrontLayout::Array> arrays_;  // all of θ
  std::vector<Layer> layers_;
  std::vector<Item> items_;
  int64_t n_parameters_ = 0, n_padded_ = 0;
  int n_slots_ = 0;
  size_t n_large_ = 0;  // arrays on large pages so far
  double flops_per_row_ = 0;
  Data<T> data_{};
  Buffer theta_, slots_[2], gradient_, x_, t_;
  Buffer lower_{nullptr, free_aligned}, upper_{nullptr, free_aligned};
  Buffer scaled_W_{nullptr, free_aligned}, fraction_{nullptr, free_aligned};
  Buffer dh_{nullptr, free_aligned};
  std::vector<int32_t> bin_;
  std::vector<Buffer> h_, d_, dz_, q_, scratch_;
  std::vector<T*> h_pointers_, d_pointers_, dz_pointers_, q_pointers_;
  std::vector<ItemResult> results_;
  std::vector<double> panel_loss_;
  struct {  // for bfloat16, see Rounded
    Buffer W{nullptr, free_aligned}, x{nullptr, free_aligned}, largest{nullptr, free_aligned};
    std::vector<Buffer> h, dz, dz_pairs;
    std::vector<uint32_t*> h_pointers, dz_pointers, dz_pairs_pointers;
  } rounded_;
  bool copies_are_old_ = true;  // θ has changed since W was rounded or scaled and tables were made
  int64_t reserved_rows_ = 0;
  bool over_ = false;
  double largest_ = 0;  // max |θ| after the last update
};

}  // namespace clearprop
