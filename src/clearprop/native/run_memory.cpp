// Where a job keeps θ, the slots of its optimiser and the panels of a batch.
#include "run.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>

#include "activations.hpp"
#include "optimizers.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace clearprop {
namespace {

constexpr size_t kHugePage = 2 << 20, kStagger = 2 * 4096 + 11 * 64;

}  // namespace

template <class T>
typename Job<T>::Buffer Job<T>::allocate(int64_t n) {
  if (n > PTRDIFF_MAX / static_cast<int64_t>(2 * sizeof(T))) throw std::bad_alloc();
  const size_t wanted = static_cast<size_t>(std::max<int64_t>(n, 1)) * sizeof(T) + 64;
  if (wanted < kHugePage / 2) {
    const size_t bytes = (wanted + 63) / 64 * 64;
    void* p = aligned_memory(64, bytes);
    std::memset(p, 0, bytes);
    return Buffer(static_cast<T*>(p), free_aligned);
  }
  // Large arrays lie on large pages, where the system has them, but none at the beginning of one: the
  // same places of θ, m and v, which are wanted together, would fall into the same sets of the caches.
  const size_t offset = (++n_large_ % 13) * kStagger;
  const size_t bytes = (offset + wanted + kHugePage - 1) / kHugePage * kHugePage;
  char* p = static_cast<char*>(aligned_memory(kHugePage, bytes));
#if defined(__linux__)
  madvise(p, (offset + wanted + kHugePage / 2) / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  std::memset(p + offset, 0, wanted);
  return Buffer(reinterpret_cast<T*>(p + offset), [](void* q) {
    free_aligned(static_cast<char*>(q) - reinterpret_cast<uintptr_t>(q) % kHugePage);
  });
}

template <class T>
Job<T>::Job(const Isa& isa, const JobSpec& spec)
    : kernels_(training_kernels<T>(isa, spec.bfloat16)), spec_(spec),
      powers_(static_cast<Opt>(spec.optimizer), spec.optimizer_constants.data()),
      theta_(nullptr, free_aligned),
      slots_{Buffer(nullptr, free_aligned), Buffer(nullptr, free_aligned)},
      gradient_(nullptr, free_aligned), x_(nullptr, free_aligned), t_(nullptr, free_aligned) {
  const int W = kernels_.lanes, L = static_cast<int>(spec.sizes.size()) - 1;
  int64_t n_words = 0;  // of the rounded copies
  lay_out_front();
  for (int l = 0; l < L; ++l) {
    Layer layer{};
    layer.n_in = spec.sizes[l], layer.n_out = spec.sizes[l + 1];
    layer.stride = static_cast<int>(padded(layer.n_in, W));
    // rows a multiple of 4 KiB apart would all fall into the same few sets of the cache
    if (layer.stride * sizeof(T) % 2048 == 0) layer.stride += W;
    layer.W = n_padded_;
    layer.b = layer.W + (spec.bfloat16 ? Tiles(layer).size() : int64_t(layer.n_out) * layer.stride);
    layer.rounded = n_words, layer.rounded_t = n_words + Tiles(layer).size() / 2;
    n_words += Tiles(layer).size() / (l == 0 ? 2 : 1);  // no Wᵀ of the first: X has no derivative
    layer.activation = l + 1 < L ? static_cast<Act>(spec.activations[l]) : Act::none;
    layer.rate = l + 1 < L ? spec.dropout[l] : 0;
    layer.dropout_index = l + 1 < L ? spec.dropout_index[l] : 0;
    layer.gain = spec.gain(l);
    layer.slope = -1;
    n_padded_ = layer.b + padded(layer.n_out, W);
    arrays_.push_back({layer.W, layer.b, kW});
    arrays_.push_back({layer.b, n_padded_, kB});
    if (spec.slope(l)) {
      layer.slope = n_padded_;
      n_padded_ += padded(layer.n_out, W);
      n_parameters_ += layer.n_out;
      arrays_.push_back({layer.slope, n_padded_, kSlope});
    }
    n_parameters_ += int64_t(layer.n_out) * (layer.n_in + 1);
    flops_per_row_ += 2.0 * layer.n_in * layer.n_out;
    layers_.push_back(layer);
  }
  // so many that a thread that comes late, or has to stop, holds up little
  int n_panels = 0;
  for (const Layer& layer : layers_) n_panels += (layer.n_in + kernels_.panel - 1) / kernels_.panel;
  // (the tiles of bfloat16 lie in the order of whole groups)
  const int group = spec.bfloat16 ? kInputGroup : std::clamp(n_panels / 16, 1, kInputGroup);
  for (int l = 0; l < L; ++l)
    for (int i0 = 0; i0 < layers_[l].n_in; i0 += group * kernels_.panel)
      items_.push_back({l, i0, group});
  for (size_t i = 0; i < front_items_.size(); ++i) items_.push_back({-1, static_cast<int>(i), 0});
  if (spec.scale) scaled_W_ = allocate(int64_t(layers_[0].n_out) * layers_[0].stride);
  front_.W = scaled_W_.get();
  set_dropout(1);
  n_slots_ = kOptimizers[spec.optimizer].n_slots();
  theta_ = allocate(n_padded_);
  for (int i = 0; i < n_slots_; ++i) slots_[i] = allocate(n_padded_);
  lay_out_bounds();
  if (spec.bfloat16) rounded_.W = allocate(n_words);
  results_.resize(items_.size());
}

// What stands before the first dense layer comes first in θ, as in the definition.
template <class T>
void Job<T>::lay_out_front() {
  if (spec_.parts.empty()) return;
  if (spec_.bfloat16)
    throw std::invalid_argument("bfloat16: only for networks whose first layer is dense");
  front_layout_ = FrontLayout(spec_.parts, kernels_.lanes);
  front_tables_ = FrontTables<T>(front_layout_);
  front_ = front_tables_.view(front_layout_);
  for (size_t q = 0; q < front_layout_.parts.size(); ++q) {
    const Part& part = front_layout_.parts[q];
    const Column* columns = front_layout_.columns.data() + part.column;
    for (int c = 0; c < part.n && part.kind != Kind::identity; ++c) {
      const int most = part.kind == Kind::embedding       ? kCategories
                       : part.kind == Kind::embedding_bag ? kCodes
                                                          : columns[c].n;
      int first = 0;
      do {
        const int n = std::min(most, columns[c].n - first);
        front_items_.push_back({static_cast<int>(q), c, first, n});
        first += most;
      } while (first < columns[c].n);
    }
  }
  front_.items = front_items_.data();
  arrays_ = front_layout_.arrays;
  n_padded_ = front_layout_.n_padded;
  n_parameters_ = front_layout_.n_parameters;
  flops_per_row_ += front_layout_.flops / 3;
  if (!spec_.scale) return;
  front_.s = n_padded_;
  n_padded_ += padded(front_layout_.n_units, kernels_.lanes);
  n_parameters_ += front_layout_.n_units;
  arrays_.push_back({front_.s, n_padded_, kS});
}

// Beyond the parameters, in the padding, both bounds are 0.
template <class T>
void Job<T>::lay_out_bounds() {
  if (spec_.lower.empty()) return;
  const std::vector<T> low(spec_.lower.begin(), spec_.lower.end());
  const std::vector<T> high(spec_.upper.begin(), spec_.upper.end());
  lower_ = allocate(n_padded_), upper_ = allocate(n_padded_);
  spread(low.data(), lower_.get());
  spread(high.data(), upper_.get());
  std::vector<double>().swap(spec_.lower);
  std::vector<double>().swap(spec_.upper);
}

// Rates of dropout in the next step. The product of them is rounded as in the definition.
template <class T>
void Job<T>::set_dropout(double factor) {
  for (Layer& layer : layers_)
    layer.dropout =
        static_cast<int>(std::min(std::nearbyint(layer.rate * factor * 65536), 65535.0));
}

template <class T>
void Job<T>::reserve(int64_t rows) {
  if (rows <= reserved_rows_) return;
  const int64_t n = padded(rows, kernels_.panel);
  reserved_rows_ = 0;  // until all of them are there
  const int L = static_cast<int>(layers_.size());
  const bool bf16 = spec_.bfloat16;
  const bool front = !front_layout_.empty();
  x_ = allocate(front ? n * front_.stride : bf16 && !data_.indptr ? 0 : n * layers_[0].stride);
  if (front) {
    fraction_ = allocate(n * front_.n_binned);
    bin_.assign(static_cast<size_t>(n) * front_.n_binned, 0);
    dh_ = allocate(n * front_.n_trained);
  }
  t_ = allocate(n * layers_[L - 1].n_out);
  panel_loss_.resize(static_cast<size_t>(n / kernels_.panel));
  h_.clear(), d_.clear(), dz_.clear(), q_.clear(), scratch_.clear();
  h_pointers_.clear(), d_pointers_.clear(), dz_pointers_.clear(), q_pointers_.clear();
  for (int l = 0; l < L; ++l) {
    const bool dropout = l > 0 && layers_[l - 1].rate > 0;
    const bool slope = l > 0 && layers_[l - 1].slope >= 0;
    const auto activation = l > 0 ? layers_[l - 1].activation : Act::none;
    const bool in_panels = !bf16 || dropout;  // else h is kept rounded only
    const bool rows_of_X = l == 0 && !front;
    h_.push_back(in_panels ? allocate(n * (rows_of_X ? layers_[0].stride : layers_[l].n_in))
                           : Buffer(nullptr, free_aligned));
    const bool from_h = bf16 ? derivative_from_sign(activation) : derivative_from_h(activation);
    const bool own = l > 0 && (dropout || slope || !from_h);
    q_.push_back(slope ? allocate(n * layers_[l].n_in) : Buffer(nullptr, free_aligned));
    q_pointers_.push_back(q_[l].get());
    d_.push_back(own ? allocate(n * layers_[l].n_in) : Buffer(nullptr, free_aligned));
    const bool needed = !bf16 || l + 1 == L;
    dz_.push_back(needed ? allocate(n * layers_[l].n_out) : Buffer(nullptr, free_aligned));
    h_pointers_.push_back(h_[l].get());
    d_pointers_.push_back(d_[l].get());
    dz_pointers_.push_back(dz_[l].get());
  }
  if (bf16) reserve_rounded(n);
  reserved_rows_ = n;
}

template <class T>
void Job<T>::end() {
  over_ = true;
  for (Buffer* buffer : {&gradient_, &x_, &t_, &rounded_.W, &rounded_.x, &rounded_.largest,
                         &scaled_W_, &fraction_, &dh_})
    buffer->reset();
  std::vector<int32_t>().swap(bin_);
  bins_.reset();
  for (auto* buffers :
       {&h_, &d_, &dz_, &q_, &scratch_, &rounded_.h, &rounded_.dz, &rounded_.dz_pairs})
    buffers->clear();
#if defined(__GLIBC__)
  // to the system too, which free() alone would not do with what lies within the heap
  if (n_padded_ * sizeof(T) > size_t{1} << 22) malloc_trim(0);
#endif
}

template <class T>
void Job<T>::take(int slot, T* values) {
  Buffer& buffer = slot < 0 ? theta_ : slots_[slot];
  if (!buffer) return;
  collect(buffer.get(), values);
  buffer.reset();
}

// The panels of Rounded, for n rows (a multiple of the panel).
template <class T>
void Job<T>::reserve_rounded(int64_t n) {
  auto& r = rounded_;
  r.h.clear(), r.dz.clear(), r.dz_pairs.clear();
  r.h_pointers.clear(), r.dz_pointers.clear(), r.dz_pairs_pointers.clear();
  const auto add = [&](std::vector<Buffer>& buffers, std::vector<uint32_t*>& pointers,
                       int64_t words) {
    buffers.push_back(words > 0 ? allocate(words) : Buffer(nullptr, free_aligned));
    pointers.push_back(reinterpret_cast<uint32_t*>(buffers.back().get()));
  };
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    add(r.h, r.h_pointers, n / 2 * padded(layer.n_in, kTileInputs));
    add(r.dz, r.dz_pointers, n / 2 * padded(layer.n_out, kTileUnits));
    add(r.dz_pairs, r.dz_pairs_pointers, l == 0 ? 0 : n / 2 * padded(layer.n_out, kTileInputs));
  }
  r.x = allocate(n / 2 * padded(layers_[0].n_in, kTileInputs));
  r.largest = allocate(static_cast<int64_t>(layers_.size()) * n);
}

// Calls copy(where in the padded θ, where in the flat one, how many) for all that lies together.
template <class T>
template <class Copy>
void Job<T>::each_row(const Copy& copy) const {
  front_layout_.each_row(copy);
  int64_t flat = front_layout_.n_parameters;
  if (spec_.scale) {
    for (const auto& [here, there, n] : front_layout_.units) copy(front_.s + here, flat + there, n);
    flat += front_layout_.n_units;
  }
  for (const Layer& layer : layers_) {
    const Tiles tiles(layer);
    for (int j = 0; j < layer.n_out; ++j, flat += layer.n_in) {
      const int64_t row = layer.W + int64_t(j) * layer.stride;
      if (&layer == layers_.data() && !front_layout_.empty()) {
        for (const auto& [here, there, n] : front_layout_.units) copy(row + here, flat + there, n);
        continue;
      }
      if (!spec_.bfloat16) {
        copy(layer.W + int64_t(j) * layer.stride, flat, layer.n_in);
        continue;
      }
      for (int tile = 0; tile < tiles.across; ++tile) {
        const int first = tile / kInputGroup * kInputGroup, i = tile * kTileInputs;
        const int64_t number = int64_t(first) * tiles.down +
                               int64_t(j / kTileUnits) * tiles.columns(first) + tile - first;
        copy(layer.W + number * kTileSize + j % kTileUnits * kTileInputs, flat + i,
             std::min(kTileInputs, layer.n_in - i));
      }
    }
    copy(layer.b, flat, layer.n_out);
    flat += layer.n_out;
    if (layer.slope < 0) continue;
    copy(layer.slope, flat, layer.n_out);
    flat += layer.n_out;
  }
}

template <class T>
void Job<T>::spread(const T* flat, T* padded) const {
  each_row([&](int64_t at, int64_t from, int n) {
    std::memcpy(padded + at, flat + from, n * sizeof(T));
  });
}

template <class T>
void Job<T>::collect(const T* padded, T* flat) const {
  each_row(
      [&](int64_t at, int64_t to, int n) { std::memcpy(flat + to, padded + at, n * sizeof(T)); });
}

#define CP_MEMORY_OF(T)                                       \
  template Job<T>::Job(const Isa&, const JobSpec&);           \
  template typename Job<T>::Buffer Job<T>::allocate(int64_t); \
  template void Job<T>::set_dropout(double);                  \
  template void Job<T>::reserve(int64_t);                     \
  template void Job<T>::end();                                \
  template void Job<T>::take(int, T*);                        \
  template void Job<T>::spread(const T*, T*) const;           \
  template void Job<T>::collect(const T*, T*) const;

CP_MEMORY_OF(float)
CP_MEMORY_OF(double)

}  // namespace clearprop
