// A network ready to predict: its weights packed once, for any number of calls from any threads.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "prediction.hpp"
#include "run.hpp"

namespace clearprop {

template <class T>
class Predictor {
 public:
  Predictor(const Isa& isa, const JobSpec& spec, const T* theta, int64_t n_parameters);
  Predictor(const Predictor&) = delete;

  // ŷ or z⁽ᴸ⁾ (n_rows, K) of the rows of `data`, dense or in CSR form; `out` must not overlap them.
  // The bits of a row depend neither on the other rows nor on the threads and their shares.
  // `interrupt`, if given, is called at intervals in the calling thread; true leaves `out` unfinished.
  void predict(const Data<T>& data, int64_t n_rows, T* out, bool logits, int n_threads,
               const Interrupt* interrupt) const;

  // "" if the network can take the rows, else what is wrong with them
  std::string why_not(const T* X, int64_t n_rows, int64_t first) const {
    return why_no_categories(front_layout_, X, n_inputs(), n_rows, first);
  }
  bool takes_sparse() const { return front_layout_.empty(); }

  int n_inputs() const { return n_columns_; }
  int n_outputs() const { return layers_.back().n_out; }
  double flops_per_row() const { return flops_per_row_; }

 private:
  using Buffer = std::unique_ptr<T[], void (*)(void*)>;
  class Scratch;
  // Buffers between two calls. Nobody waits for another: who finds the list taken goes without it.
  struct Shelf {
    size_t size = 0;
    std::mutex taken;
    std::vector<Buffer> buffers;
  };

  class Stop;

  static Buffer allocate(size_t n);
  void rows(const Data<T>& data, int64_t first, int64_t last, T* out, bool logits,
            Stop* stop) const;
  void few(const T* X, int64_t ld, int n, T* out, bool logits, int n_threads, T* scratch) const;
  void panel(const Data<T>& data, int64_t first, int n, T* out, bool logits, Stop* stop,
             T* scratch) const;
  void pack_front(const T* theta);

  const PredictKernels<T>& kernels_;
  JobSpec spec_;
  Buffer weights_, front_theta_;
  FrontLayout front_layout_;
  FrontTables<T> front_tables_;
  int n_columns_ = 0;  // of X
  std::vector<PackedLayer<T>> layers_;
  PackedNetwork<T> net_{};
  double flops_per_row_ = 0;
  int limits_[3], width_ = 0;  // width_: of the widest layer, in whole blocks of units
  size_t slab_ = 0;            // of some columns of X
  size_t h_size_[2] = {};      // of the panels of h⁽ˡ⁾ for odd l, for even l
  mutable Shelf small_, large_;
};

}  // namespace clearprop
