#include "predictor.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "activations.hpp"
#include "denormals.hpp"
#include "memory.hpp"
#include "pool.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace clearprop {
namespace {

// How many inputs of a panel are multiplied with all units before the next inputs, so that they stay
// in the nearest cache. Equal blocks of at most 128.
int block_size(int n_in) {
  const int count = (n_in + 127) / 128;
  return (n_in + count - 1) / count;
}

template <class T>
const PredictKernels<T>& kernels_of(const Isa& isa) {
  if constexpr (sizeof(T) == 4)
    return *isa.f32->prediction;
  else
    return *isa.f64->prediction;
}

}  // namespace

// Whether to stop: the caller's thread calls `interrupt` at intervals, the other threads read a flag.
template <class T>
class Predictor<T>::Stop {
 public:
  Stop(const Interrupt* interrupt, std::atomic<bool>* stopped)
      : interrupt_(interrupt), stopped_(stopped), asked_(interrupt ? seconds_now() : 0) {}
  bool now() {
    if (interrupt_ && seconds_now() - asked_ > 0.05) {
      asked_ = seconds_now();
      if ((*interrupt_)()) stopped_->store(true, std::memory_order_relaxed);
    }
    return stopped_->load(std::memory_order_relaxed);
  }

 private:
  const Interrupt* interrupt_;
  std::atomic<bool>* stopped_;
  double asked_;
};

// A buffer from the shelf, or a new one; back to the shelf when done.
template <class T>
class Predictor<T>::Scratch {
 public:
  explicit Scratch(Shelf& shelf) : shelf_(shelf), buffer_(nullptr, free_aligned) {
    {
      const std::unique_lock lock(shelf.taken, std::try_to_lock);
      if (lock.owns_lock() && !shelf.buffers.empty()) {
        buffer_ = std::move(shelf.buffers.back());
        shelf.buffers.pop_back();
      }
    }
    if (!buffer_) buffer_ = allocate(shelf.size);
  }
  ~Scratch() {
    const std::unique_lock lock(shelf_.taken, std::try_to_lock);
    if (lock.owns_lock() && shelf_.buffers.size() < shelf_.buffers.capacity())
      shelf_.buffers.push_back(std::move(buffer_));
  }
  T* data() const { return buffer_.get(); }

 private:
  Shelf& shelf_;
  Buffer buffer_;
};

template <class T>
typename Predictor<T>::Buffer Predictor<T>::allocate(size_t n) {
  constexpr size_t huge = 2 << 20;  // large arrays on large pages, where the system has them
  const size_t unit = n * sizeof(T) >= huge ? huge : 64;
  const size_t bytes = (n * sizeof(T) + unit) / unit * unit;
  void* p = aligned_memory(unit, bytes);
#if defined(__linux__)
  if (unit == huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return Buffer(static_cast<T*>(p), free_aligned);
}

template <class T>
Predictor<T>::Predictor(const Isa& isa, const JobSpec& spec, const T* theta, int64_t n_parameters)
    : kernels_(kernels_of<T>(isa)), spec_(spec), weights_(nullptr, free_aligned),
      front_theta_(nullptr, free_aligned), front_layout_(spec.parts, kernels_.lanes),
      n_columns_(spec.n_columns()) {
  const int U = kernels_.units, L = static_cast<int>(spec.sizes.size()) - 1;
  size_t total = 0;
  int64_t expected = 0;
  for (int l = 0; l < L; ++l) {
    const int64_t n_in = spec.sizes[l], n_out = spec.sizes[l + 1];
    total += static_cast<size_t>(padded(n_out, U) * (n_in + 1));
    expected += n_out * (n_in + 1);
    if (spec.slope(l)) {
      expected += n_out;
      total += static_cast<size_t>(padded(n_out, U) * (1 + kernels_.lanes));
    }
    width_ = std::max(width_, static_cast<int>(padded(n_out, U)));
    flops_per_row_ += 2.0 * n_in * n_out;
    h_size_[l % 2] = std::max(h_size_[l % 2], static_cast<size_t>(n_out * kernels_.panel));
  }
  expected += front_layout_.n_parameters + (spec.scale ? spec.sizes[0] : 0);
  if (n_parameters != expected) throw std::invalid_argument("theta has another length");
  weights_ = allocate(total);
  T* to = weights_.get();
  pack_front(theta);
  theta += front_layout_.n_parameters;
  const T* scale = spec.scale ? theta : nullptr;
  if (scale) theta += spec.sizes[0];
  // where the inputs of the first layer lie in the definition
  std::vector<int> there(spec.sizes[0]);
  std::iota(there.begin(), there.end(), 0);
  for (const auto& units : front_layout_.units)
    std::iota(there.begin() + units.here, there.begin() + units.here + units.n, units.there);
  for (int l = 0; l < L; ++l) {
    const int n_in = spec.sizes[l], n_out = spec.sizes[l + 1];
    const Act act = l + 1 < L ? static_cast<Act>(spec.activations[l]) : Act::none;
    const T* W = to;
    for (int j0 = 0; j0 < n_out; j0 += U) {
      const int m = std::min(U, n_out - j0);
      for (int k = 0; k < n_in; ++k, to += U) {
        const int from = l == 0 ? there[k] : k;
        T factor = static_cast<T>(spec.gain(l));
        if (l == 0 && scale) factor *= scale[from];
        for (int j = 0; j < U; ++j)
          to[j] = j < m ? theta[int64_t(j0 + j) * n_in + from] * factor : T(0);
      }
    }
    theta += int64_t(n_out) * n_in;
    std::fill(std::copy(theta, theta + n_out, to), to + padded(n_out, U), T(0));
    theta += n_out;
    layers_.push_back({n_in, n_out, act, W, to, nullptr, nullptr});
    to += padded(n_out, U);
    if (!spec.slope(l)) continue;
    layers_.back().slope = to;
    std::fill(std::copy(theta, theta + n_out, to), to + padded(n_out, U), T(0));
    to += padded(n_out, U);
    layers_.back().spread = to;
    for (int j = 0; j < n_out; ++j)
      std::fill_n(to + int64_t(j) * kernels_.lanes, kernels_.lanes, theta[j]);
    theta += n_out;
    to += padded(n_out, U) * kernels_.lanes;
  }
  flops_per_row_ += front_layout_.flops / 3;
  net_.n_layers = L;
  net_.layers = layers_.data();
  net_.output = {static_cast<Out>(spec_.output), static_cast<int>(spec_.output_constants.size()),
                 spec_.output_constants.data()};
  kernels_.rows_limits(net_, limits_);
  small_.size = static_cast<size_t>(2 * kernels_.rows * int64_t(width_) +
                                    int64_t(n_outputs()) * kernels_.lanes);
  // of a front: columns of X, h⁽⁰⁾, and that once more in rows
  const size_t front = front_layout_.empty() ? 0 : n_columns_ + static_cast<size_t>(spec.sizes[0]);
  small_.size += front * kernels_.panel + (front > 0 ? kernels_.rows * size_t(spec.sizes[0]) : 0);
  const size_t slab = std::max(static_cast<size_t>(kernels_.panel * block_size(layers_[0].n_in)),
                               static_cast<size_t>(padded(layers_[0].n_out, U)));
  large_.size = h_size_[0] + h_size_[1] + slab + front * kernels_.panel;
  slab_ = slab;
  small_.buffers.reserve(16), large_.buffers.reserve(16);
}

template <class T>
void Predictor<T>::pack_front(const T* theta) {
  if (front_layout_.empty()) return;
  // vectors read beyond the end
  const auto size = static_cast<size_t>(front_layout_.n_padded) + 16;
  front_theta_ = allocate(size);
  std::fill_n(front_theta_.get(), size, T(0));
  front_layout_.each_row([&](int64_t at, int64_t from, int n) {
    std::copy(theta + from, theta + from + n, front_theta_.get() + at);
  });
  front_tables_ = FrontTables<T>(front_layout_);
  net_.front = front_tables_.view(front_layout_);
  net_.theta = front_theta_.get();
  kernels_.tabulate(net_);
}

// As many rows as share a pass over the weights, with the units as vectors; `n_threads` share the
// units.
template <class T>
void Predictor<T>::few(const T* X, int64_t ld, int n, T* out, bool logits, int n_threads,
                       T* scratch) const {
  const int U = kernels_.units, K = n_outputs();
  if (!front_layout_.empty()) {  // by the code for panels, so that the bits are the same
    T* x = scratch + 2 * kernels_.rows * int64_t(width_) + int64_t(K) * kernels_.lanes;
    T* h = x + int64_t(n_columns_) * kernels_.panel;
    const int units = layers_[0].n_in;
    T* rows = h + int64_t(units) * kernels_.panel;
    kernels_.turn(X, ld, n, n_columns_, x);
    kernels_.front(net_, x, n, h);
    for (int r = 0; r < n; ++r)
      for (int k = 0; k < units; ++k)
        rows[int64_t(r) * units + k] = h[int64_t(k) * kernels_.panel + r];
    X = rows, ld = units;
  }
  for (int l = 0; l < net_.n_layers; ++l) {
    const PackedLayer<T>& layer = layers_[l];
    const int n_blocks = (layer.n_out + U - 1) / U;
    T* z = scratch + (l % 2) * kernels_.rows * int64_t(width_);
    const double flops = 2.0 * n * layer.n_in * layer.n_out;
    const int threads = static_cast<int>(std::clamp<double>(flops / 5e5, 1, n_threads));
    if (threads == 1) {
      kernels_.rows_layer(layer, X, ld, n, z, width_, 0, n_blocks * U);
    } else {
      parallel_for(threads, threads, [&](int64_t i, int) {
        const FlushDenormals flush;
        kernels_.rows_layer(layer, X, ld, n, z, width_,
                            static_cast<int>(i * n_blocks / threads) * U,
                            static_cast<int>((i + 1) * n_blocks / threads) * U);
      });
    }
    X = z, ld = width_;
  }
  if (logits)
    for (int i = 0; i < n; ++i) std::copy(X + i * ld, X + i * ld + K, out + int64_t(i) * K);
  else
    kernels_.rows_output(net_, X, ld, n, scratch + 2 * kernels_.rows * int64_t(width_), out);
}

// As many rows as a panel has at most, with the rows as vectors.
template <class T>
void Predictor<T>::panel(const Data<T>& data, int64_t first, int n, T* out, bool logits, Stop* stop,
                         T* scratch) const {
  T* h[2] = {scratch, scratch + h_size_[0]};
  T* slab = h[1] + h_size_[1];
  T* units = nullptr;  // of h⁽⁰⁾ where X is not that itself
  if (!front_layout_.empty()) {
    T* x = slab + slab_;
    units = x + int64_t(n_columns_) * kernels_.panel;
    kernels_.turn(data.X + first * data.ld, data.ld, n, n_columns_, x);
    kernels_.front(net_, x, n, units);
  }
  if (data.indptr) kernels_.sparse(layers_[0], data, first, n, slab, h[0]);
  for (int l = data.indptr ? 1 : 0; l < net_.n_layers; ++l) {
    const int n_in = layers_[l].n_in, size = block_size(n_in);
    for (int k = 0; k < n_in; k += size) {
      if (stop && k > 0 && stop->now()) return;
      const int n_k = std::min(size, n_in - k);
      const T* below = l == 0 ? units : h[(l - 1) % 2];
      const T* inputs = below ? below + int64_t(k) * kernels_.panel : slab;
      if (!below) kernels_.turn(data.X + first * data.ld + k, data.ld, n, n_k, slab);
      kernels_.multiply(layers_[l], k, n_k, inputs, n, h[l % 2]);
    }
  }
  kernels_.output(net_, logits, h[(net_.n_layers - 1) % 2], n, out);
}

template <class T>
void Predictor<T>::rows(const Data<T>& data, int64_t first, int64_t last, T* out, bool logits,
                        Stop* stop) const {
  const FlushDenormals flush;
  const int tail = static_cast<int>((last - first) % kernels_.panel);
  const bool as_rows = !data.indptr && tail > 0 && tail <= limits_[(tail - 1) / kernels_.lanes];
  const int64_t panels_end = as_rows ? last - tail : last;
  if (first < panels_end) {
    const Scratch scratch(large_);
    for (; first < panels_end; first += kernels_.panel) {
      const auto n = static_cast<int>(std::min<int64_t>(kernels_.panel, panels_end - first));
      panel(data, first, n, out + first * n_outputs(), logits, stop, scratch.data());
      if (stop && stop->now()) return;
    }
  }
  if (first < last) {
    const Scratch scratch(small_);
    for (; first < last; first += kernels_.rows) {
      const auto n = static_cast<int>(std::min<int64_t>(kernels_.rows, last - first));
      few(data.X + first * data.ld, data.ld, n, out + first * n_outputs(), logits, 1,
          scratch.data());
      if (stop && stop->now()) return;
    }
  }
}

template <class T>
void Predictor<T>::predict(const Data<T>& data, int64_t n_rows, T* out, bool logits, int n_threads,
                           const Interrupt* interrupt) const {
  const double flops = flops_per_row_ * static_cast<double>(n_rows);
  const int threads = static_cast<int>(std::clamp<double>(flops / 2e6, 1, std::max(1, n_threads)));
  if (threads > 1 && n_rows <= kernels_.rows && !data.indptr) {
    const FlushDenormals flush;
    const Scratch scratch(small_);
    return few(data.X, data.ld, static_cast<int>(n_rows), out, logits, threads, scratch.data());
  }
  if (threads == 1 && !interrupt) return rows(data, 0, n_rows, out, logits, nullptr);
  // Equal items of at most about a tenth of a millisecond, the same number for each thread; whole
  // panels if that hardly unbalances them.
  const int64_t worth =
      std::max<int64_t>(kernels_.panel, static_cast<int64_t>(1e7 / flops_per_row_));
  const int64_t rounds = (n_rows + threads * worth - 1) / (threads * worth);
  int64_t size = (n_rows + threads * rounds - 1) / (threads * rounds);
  if (rounds > 8 || size > 16 * kernels_.panel) size = padded(size, kernels_.panel);
  std::atomic<bool> stopped{false};
  Stop asked{interrupt, &stopped}, told{nullptr, &stopped};
  const auto item = [&](int64_t i, int worker) {
    rows(data, i * size, std::min((i + 1) * size, n_rows), out, logits,
         worker == 0 ? &asked : &told);
  };
  const int64_t n_items = (n_rows + size - 1) / size;
  if (threads == 1) {
    for (int64_t i = 0; i < n_items && !asked.now(); ++i) item(i, 0);
  } else {
    parallel_for(threads, n_items, item, [&] { return asked.now(); });
  }
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace clearprop
