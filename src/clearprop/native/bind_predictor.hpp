// Predictor in Python: a call on an array that costs little more than its arithmetic.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "pool.hpp"
#include "predictor.hpp"

namespace clearprop {

namespace nb = nanobind;

// A NumPy array, or any other, through the buffer protocol, which is the quickest way to it.
template <class T>
class ArrayView {
 public:
  ArrayView(const ArrayView&) = delete;
  ArrayView(nb::handle array, const char* name, bool writable) {
    const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(array.ptr(), &buffer_, flags) == 0) {
      const bool fits = (buffer_.ndim == 1 || buffer_.ndim == 2) && buffer_.format &&
                        std::strcmp(buffer_.format, sizeof(T) == 4 ? "f" : "d") == 0 &&
                        reinterpret_cast<uintptr_t>(buffer_.buf) % sizeof(T) == 0;
      if (fits) return;
      PyBuffer_Release(&buffer_);
    } else {
      PyErr_Clear();
    }
    const std::string dtype = sizeof(T) == 4 ? "float32" : "float64";
    throw nb::type_error((std::string(name) + " must be a C-contiguous array of " + dtype +
                          (writable ? " that can be written to" : " with one or two axes"))
                             .c_str());
  }
  ~ArrayView() { PyBuffer_Release(&buffer_); }

  T* data() const { return static_cast<T*>(buffer_.buf); }
  int ndim() const { return buffer_.ndim; }
  int64_t shape(int axis) const { return buffer_.shape[axis]; }
  bool overlaps(const ArrayView& other) const {
    const auto* a = static_cast<const char*>(buffer_.buf);
    const auto* b = static_cast<const char*>(other.buffer_.buf);
    return a < b + other.buffer_.len && b < a + buffer_.len;
  }

 private:
  Py_buffer buffer_;
};

template <class T>
class PredictorHandle {
 public:
  template <class A>
  using Vector = nb::ndarray<const A, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

  PredictorHandle(const JobSpec& spec, Vector<T> theta)
      : predictor_(chosen_isa(), spec, theta.data(), static_cast<int64_t>(theta.shape(0))) {
    nb::module_ numpy = nb::module_::import_("numpy");
    empty_ = numpy.attr("empty");
    dtype_ = numpy.attr("dtype")(sizeof(T) == 4 ? "float32" : "float64");
    row_shape_ = nb::make_tuple(predictor_.n_outputs());
  }

  // first_row: what the number of a row is in an error where X is a part of something
  nb::object call(nb::handle X, nb::handle out, bool logits, int n_threads, int64_t first_row) {
    const ArrayView<T> x(X, "X", false);
    const bool row = x.ndim() == 1;
    check_columns(x.shape(x.ndim() - 1));
    const int64_t n = row ? 1 : x.shape(0);
    const std::string reason = predictor_.why_not(x.data(), n, first_row);
    if (!reason.empty()) throw nb::value_error(reason.c_str());
    nb::object result = out.is_none() ? make(row, n) : nb::borrow(out);
    const ArrayView<T> y(result, "out", true);
    if (!out.is_none()) check_out(y, x, row, n);
    Data<T> data{};
    data.X = x.data(), data.ld = predictor_.n_inputs();
    predict(data, n, y.data(), logits, n_threads);
    return result;
  }

  // Rows in CSR form
  nb::object call_sparse(Vector<T> values, Vector<int64_t> indices, Vector<int64_t> indptr,
                         int64_t n_columns, nb::handle out, bool logits, int n_threads) {
    check_columns(n_columns);
    if (!predictor_.takes_sparse())
      throw nb::value_error(
          "a network whose first layer is not dense needs a dense X; got a sparse one");
    const auto entries = static_cast<int64_t>(values.shape(0));
    const int64_t n = static_cast<int64_t>(indptr.shape(0)) - 1;
    bool ok = n >= 0 && indices.shape(0) == values.shape(0) && indptr.data()[0] == 0 &&
              indptr.data()[n] == entries;
    for (int64_t i = 0; ok && i < n; ++i) ok = indptr.data()[i] <= indptr.data()[i + 1];
    if (!ok) throw std::invalid_argument("values, indices and indptr do not fit");
    for (int64_t e = 0; e < entries; ++e)
      if (indices.data()[e] < 0 || indices.data()[e] >= predictor_.n_inputs())
        throw std::invalid_argument("indices are out of range");
    nb::object result = out.is_none() ? make(false, n) : nb::borrow(out);
    const ArrayView<T> y(result, "out", true);
    if (!out.is_none()) check_shape(y, false, n);
    Data<T> data{};
    data.X = values.data(), data.indices = indices.data(), data.indptr = indptr.data();
    predict(data, n, y.data(), logits, n_threads);
    return result;
  }

  nb::object dtype() const { return dtype_; }
  int n_outputs() const { return predictor_.n_outputs(); }

 private:
  nb::object make(bool row, int64_t n) {
    nb::object shape = row ? row_shape_ : nb::make_tuple(n, predictor_.n_outputs());
    PyObject* arguments[] = {shape.ptr(), dtype_.ptr()};
    PyObject* array = PyObject_Vectorcall(empty_.ptr(), arguments, 2, nullptr);
    if (!array) throw nb::python_error();
    return nb::steal(array);
  }

  void check_columns(int64_t got) const {
    if (got == predictor_.n_inputs()) return;
    throw nb::value_error(("X must have " + std::to_string(predictor_.n_inputs()) +
                           " columns; got " + std::to_string(got))
                              .c_str());
  }

  void check_shape(const ArrayView<T>& y, bool row, int64_t n) const {
    const int64_t K = predictor_.n_outputs();
    if (row ? y.ndim() == 1 && y.shape(0) == K
            : y.ndim() == 2 && y.shape(0) == n && y.shape(1) == K)
      return;
    const std::string shape = row ? std::to_string(K) + ","
                                  : std::to_string(n) + ", " + std::to_string(K);
    throw nb::value_error(("out must have shape (" + shape + ")").c_str());
  }

  void check_out(const ArrayView<T>& y, const ArrayView<T>& x, bool row, int64_t n) const {
    check_shape(y, row, n);
    if (y.overlaps(x)) throw nb::value_error("out must not share memory with X");
  }

  void predict(const Data<T>& data, int64_t n, T* out, bool logits, int n_threads) {
    if (static_cast<double>(n) * predictor_.flops_per_row() < 1e6) {  // within some 20 µs
      predictor_.predict(data, n, out, logits, 1, nullptr);
      return;
    }
    const Forks forks(n_threads);
    bool interrupted = false;
    const Interrupt interrupt = [&] {
      nb::gil_scoped_acquire acquire;
      interrupted = interrupted || PyErr_CheckSignals() != 0;
      return interrupted || forks.lost();
    };
    {
      nb::gil_scoped_release release;
      predictor_.predict(data, n, out, logits, n_threads, &interrupt);
    }
    if (interrupted) throw nb::python_error();
    forks.check();
  }

  Predictor<T> predictor_;
  nb::object empty_, dtype_, row_shape_;
};

template <class T>
void bind_predictor(nb::module_& m, const char* name, void (*check)(const JobSpec&)) {
  using namespace nb::literals;
  using P = PredictorHandle<T>;
  nb::class_<P>(m, name)
      .def(
          "__init__",
          [check](P* self, const JobSpec& spec, typename P::template Vector<T> theta) {
            check(spec);
            new (self) P(spec, theta);
          },
          "spec"_a, "theta"_a)
      .def("__call__", &P::call, "X"_a, "out"_a.none() = nb::none(), "logits"_a = false,
           "n_threads"_a = 1, "first_row"_a = 0)
      .def("sparse", &P::call_sparse, "values"_a, "indices"_a, "indptr"_a, "n_columns"_a,
           "out"_a.none() = nb::none(), "logits"_a = false, "n_threads"_a = 1)
      .def_prop_ro("dtype", &P::dtype)
      .def_prop_ro("n_outputs", &P::n_outputs);
}

}  // namespace clearprop
