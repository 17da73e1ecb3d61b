#include "predictor.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>

#include "denormals.hpp"
#include "memory.hpp"
#include "pool.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace clearprop {
namespace {

int64_t padded(int64_t n, int to) { return (n + to - 1) / to * to; }

template <class T>
const PredictKernels<T>& kernels_of(const Isa& isa) {
  if constexpr (sizeof(T) == 4)
    return *isa.f32->prediction;
  else
    return *isa.f64->prediction;
}

}  // namespace

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
    : kernels_(kernels_of<T>(isa)), spec_(spec), weights_(nullptr, free_aligned) {
  const int U = kernels_.units, L = static_cast<int>(spec.sizes.size()) - 1;
  size_t total = 0;
  int64_t expected = 0;
  for (int l = 0; l < L; ++l) {
    const int64_t n_in = spec.sizes[l], n_out = spec.sizes[l + 1];
    total += static_cast<size_t>(padded(n_out, U) * (n_in + 1));
    expected += n_out * (n_in + 1);
    flops_per_row_ += 2.0 * n_in * n_out;
    h_size_[l % 2] = std::max(h_size_[l % 2], static_cast<size_t>(n_out * kernels_.panel));
  }
  if (n_parameters != expected) throw std::invalid_argument("theta has another length");
  weights_ = allocate(total);
  T* to = weights_.get();
  for (int l = 0; l < L; ++l) {
    const int n_in = spec.sizes[l], n_out = spec.sizes[l + 1];
    const Act act = l + 1 < L ? static_cast<Act>(spec.activations[l]) : Act::none;
    const T* W = to;
    for (int j0 = 0; j0 < n_out; j0 += U) {
      const int m = std::min(U, n_out - j0);
      for (int k = 0; k < n_in; ++k, to += U)
        for (int j = 0; j < U; ++j) to[j] = j < m ? theta[int64_t(j0 + j) * n_in + k] : T(0);
    }
    theta += int64_t(n_out) * n_in;
    std::fill(std::copy(theta, theta + n_out, to), to + padded(n_out, U), T(0));
    theta += n_out;
    layers_.push_back({n_in, n_out, act, W, to});
    to += padded(n_out, U);
  }
  net_.n_layers = L;
  net_.layers = layers_.data();
  net_.output = {static_cast<Out>(spec_.output), spec_.delta,
                 static_cast<int>(spec_.quantiles.size()), spec_.quantiles.data(),
                 static_cast<int>(spec_.groups.size()), spec_.groups.data()};
  kernels_.rows_limits(net_, limits_);
  small_.size = kernels_.rows_scratch(net_);
  const size_t slab = std::max<size_t>(static_cast<size_t>(kernels_.panel) * kernels_.block,
                                       static_cast<size_t>(padded(layers_[0].n_out, U)));
  large_.size = h_size_[0] + h_size_[1] + slab;
  small_.buffers.reserve(16), large_.buffers.reserve(16);
}

template <class T>
void Predictor<T>::panel(const Data<T>& data, int64_t first, int n, T* out, bool logits) const {
  out += first * n_outputs();
  if (!data.indptr && n <= limits_[(n - 1) / kernels_.lanes]) {
    const Scratch scratch(small_);
    kernels_.few(net_, data.X + first * data.ld, data.ld, n, logits, scratch.data(), out);
    return;
  }
  const Scratch scratch(large_);
  T* h[2] = {scratch.data(), scratch.data() + h_size_[0]};
  T* slab = h[1] + h_size_[1];
  if (data.indptr)
    kernels_.sparse(layers_[0], data, first, n, slab, h[0]);
  else
    kernels_.first(layers_[0], data.X + first * data.ld, data.ld, n, slab, h[0]);
  for (int l = 1; l < net_.n_layers; ++l)
    kernels_.layer(layers_[l], h[(l - 1) % 2], n, h[l % 2]);
  kernels_.output(net_, logits, h[(net_.n_layers - 1) % 2], n, out);
}

template <class T>
void Predictor<T>::predict(const Data<T>& data, int64_t n_rows, T* out, bool logits, int n_threads,
                           const Interrupt* interrupt) const {
  const FlushDenormals flush;
  if (n_rows == 0) return;
  const int size = kernels_.panel;
  if (n_rows <= size) return panel(data, 0, static_cast<int>(n_rows), out, logits);
  const int64_t n_panels = (n_rows + size - 1) / size;
  const double flops = flops_per_row_ * static_cast<double>(n_rows);
  const int threads =
      static_cast<int>(std::clamp<double>(flops / 2e6 + 1, 1, std::max(1, n_threads)));
  std::atomic<bool> stop{false};
  double last_asked = interrupt ? seconds_now() : 0;
  // an item is worth some ten microseconds
  const int64_t group = std::clamp<int64_t>(static_cast<int64_t>(1e6 / (flops_per_row_ * size)), 1,
                                            std::max<int64_t>(1, n_panels / threads));
  const auto item = [&](int64_t i, int worker) {
    const FlushDenormals flushed;
    for (int64_t p = i * group; p < std::min((i + 1) * group, n_panels); ++p) {
      if (stop.load(std::memory_order_relaxed)) return;
      const int64_t first = p * size;
      panel(data, first, static_cast<int>(std::min<int64_t>(size, n_rows - first)), out, logits);
    }
    if (!interrupt || worker != 0) return;
    const double now = seconds_now();
    if (now - last_asked < 0.05) return;
    last_asked = now;
    if ((*interrupt)()) stop.store(true, std::memory_order_relaxed);
  };
  const int64_t n_items = (n_panels + group - 1) / group;
  if (threads == 1)
    for (int64_t i = 0; i < n_items; ++i) item(i, 0);
  else
    parallel_for(threads, n_items, item);
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace clearprop
