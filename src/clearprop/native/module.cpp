// The Python module: jobs with their arrays, epochs without the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "activations.hpp"
#include "bind_predictor.hpp"
#include "denormals.hpp"
#include "numpy_random.hpp"
#include "optimizers.hpp"
#include "output_units.hpp"
#include "pool.hpp"
#include "run.hpp"
#include "spec_checks.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace clearprop;

namespace clearprop {
extern const RoundedKernels* const bfloat16_kernels;
}

namespace {

template <class T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out1 = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out2 = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void require(bool ok, const char* what) {
  if (!ok) throw std::invalid_argument(what);
}

void require_possible(const std::string& reason) { require(reason.empty(), reason.c_str()); }

void require_network(const JobSpec& spec) { require_possible(why_no_network(spec)); }

// Ctrl-C: lets native code that has released the GIL check for Python's signals, which only the main
// thread can see. Handlers run in the caller's floating-point state.
class Signals {
 public:
  explicit Signals(int n_threads)
      : floats_(FloatState::now()), forks_(n_threads), last_(seconds_now()) {
    const nb::object main_thread = nb::module_::import_("threading").attr("main_thread")();
    main_ = nb::cast<unsigned long>(main_thread.attr("ident")) == PyThread_get_thread_ident();
  }

  // In the calling thread: whether a handler has raised, or has forked and this is the child.
  bool ask() {
    if (!main_ || stopped()) return stopped();
    const FloatState engine = FloatState::now();
    floats_.set();
    {
      nb::gil_scoped_acquire acquire;
      if (PyErr_CheckSignals() != 0 || forks_.lost())
        stopped_.store(true, std::memory_order_relaxed);
    }
    engine.set();
    return stopped();
  }
  // The same, for callers that ask all the time
  bool ask_now_and_then() {
    const double now = seconds_now();
    if (now - last_ < kBetweenLooks) return stopped();
    last_ = now;
    return ask();
  }
  // In any thread
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  // With the GIL: throws what the handler has raised, or the error of a child.
  void rethrow() const {
    if (!PyErr_Occurred()) forks_.check();
    if (stopped()) throw nb::python_error();
  }

 private:
  FloatState floats_;
  Forks forks_;
  double last_;
  bool main_;
  std::atomic<bool> stopped_{false};
};

// Set while native code works on something without the GIL.
class Busy {
 public:
  explicit Busy(bool& flag) : flag_(flag) { flag_ = true; }
  Busy(const Busy&) = delete;
  ~Busy() { flag_ = false; }

 private:
  bool& flag_;
};

// Shared data with the jobs over it.
template <class T>
class Run {
 public:
  Run(const Run&) = delete;
  Run(Matrix<T> X, Matrix<T> t, std::optional<Vector<T>> weight)
      : X_(X), t_(t), weight_(weight), n_rows_(X.shape(0)), n_columns_(X.shape(1)) {
    data_.X = X.data(), data_.ld = n_columns_;
    check_rows();
  }
  // the same for X in CSR form
  Run(Vector<T> values, Vector<int64_t> indices, Vector<int64_t> indptr, int64_t n_columns,
      Matrix<T> t, std::optional<Vector<T>> weight)
      : values_(values), indices_(indices), indptr_(indptr), t_(t), weight_(weight),
        n_rows_(static_cast<int64_t>(indptr.shape(0)) - 1), n_columns_(n_columns) {
    const auto n = static_cast<int64_t>(values.shape(0));
    require(n_rows_ >= 0 && indices.shape(0) == values.shape(0) && indptr.data()[0] == 0 &&
                indptr.data()[n_rows_] == n,
            "values, indices and indptr do not fit");
    for (int64_t i = 0; i < n_rows_; ++i)
      require(indptr.data()[i] <= indptr.data()[i + 1], "indptr must not fall");
    for (int64_t e = 0; e < n; ++e)
      require(indices.data()[e] >= 0 && indices.data()[e] < n_columns, "indices: out of range");
    data_.X = values.data(), data_.indices = indices.data(), data_.indptr = indptr.data();
    check_rows();
  }

  int add(JobSpec spec, Vector<T> theta) {
    require(spec.sizes.size() >= 2 && spec.n_columns() == n_columns_ &&
                spec.sizes.back() == static_cast<int>(t_.shape(1)),
            "the sizes of the network must fit X and t");
    require_network(spec);
    const bool known = spec.optimizer >= 0 &&
                       spec.optimizer < static_cast<int>(std::size(kOptimizers));
    if (known && spec.optimizer_constants.empty())  // only a gradient is wanted
      spec.optimizer_constants.resize(kOptimizers[spec.optimizer].n_constants);
    require_possible(why_no_job(spec, static_cast<double>(theta.shape(0))));
    require(spec.parts.empty() || !data_.indptr,
            "a network whose first layer is not dense needs a dense X; got a sparse one");
    check_free();
    auto job = std::make_unique<Job<T>>(chosen_isa(), spec);
    check_categories(*job);
    job->set_data(data_);
    job->write_theta(theta.data());
    jobs_.push_back(std::move(job));
    return static_cast<int>(jobs_.size()) - 1;
  }

  using Plan = std::tuple<int, std::optional<Vector<int64_t>>, Vector<double>>;
  using Result = std::tuple<double, int64_t, int64_t, bool>;  // loss, steps, samples, nonfinite

  // of the rates of dropout and of the decay, step by step
  using Factors = std::tuple<std::optional<Vector<double>>, std::optional<Vector<double>>>;

  // An epoch of several jobs: side by side, or, if they are few, one after another, each on several
  // threads. The numbers are the same either way.
  std::vector<Result> run_epochs(std::vector<Plan> plans, double deadline, int n_threads,
                                 std::vector<Factors> factors) {
    require(factors.empty() || factors.size() == plans.size(), "factors for each plan or none");
    factors.resize(plans.size());
    for (size_t i = 0; i < plans.size(); ++i)
      for (const auto& f : {std::get<0>(factors[i]), std::get<1>(factors[i])}) {
        require(!f || f->shape(0) == std::get<2>(plans[i]).shape(0), "a factor for each step");
        for (size_t s = 0; f && s < f->shape(0); ++s)
          require(f->data()[s] >= 0, "factors must be >= 0");
      }
    std::vector<bool> taken(jobs_.size());
    for (auto& [number, order, rates] : plans) {
      const auto batch = static_cast<size_t>(at(number).batch_size());
      require(!taken[number], "one plan per job");
      taken[number] = true;
      const size_t rows = order ? order->shape(0) : n_rows_;
      require(rates.shape(0) <= (rows + batch - 1) / batch, "more learning rates than batches");
      if (order)
        for (size_t i = 0; i < order->shape(0); ++i)
          require(order->data()[i] >= 0 && order->data()[i] < n_rows_, "order must be row numbers");
    }
    std::vector<EpochOutcome> outcomes(plans.size());
    const int64_t side_by_side = together(plans, n_threads);
    Signals signals(n_threads);
    auto run = [&](int64_t i, int worker, int threads) {
      auto& [number, order, rates] = plans[i];
      if (signals.stopped()) return;
      const int64_t n = rows_of(plans[i]);
      const auto& [dropout, decay] = factors[i];
      const Schedules schedules{rates.data(), dropout ? dropout->data() : nullptr,
                                decay ? decay->data() : nullptr};
      outcomes[i] =
          jobs_[number]->run_epoch(order ? order->data() : nullptr, n, schedules, rates.shape(0),
                                   deadline, threads,
                                   [&] { return worker == 0 ? signals.ask() : signals.stopped(); });
    };
    const auto n_plans = static_cast<int64_t>(plans.size());
    {
      const Busy busy(busy_);
      nb::gil_scoped_release release;
      for (const Plan& plan : plans)
        if (std::get<2>(plan).shape(0) > 0) provide_bins(*jobs_[std::get<0>(plan)], n_threads);
      parallel_for(
          n_threads, side_by_side, [&](int64_t i, int worker) { run(i, worker, 1); },
          [&] { return signals.ask_now_and_then(); });
      for (int64_t i = side_by_side; i < n_plans; ++i) run(i, 0, n_threads);
    }
    signals.rethrow();
    std::vector<Result> results;
    results.reserve(outcomes.size());
    for (const EpochOutcome& e : outcomes)
      results.emplace_back(e.loss, e.n_steps, e.n_samples, e.nonfinite);
    return results;
  }

  double loss_and_gradient(int number, Out1<T> gradient, int n_threads) {
    Job<T>& job = at(number);
    require(n_rows_ > 0, "there are no rows");
    require(static_cast<int64_t>(gradient.shape(0)) == job.n_parameters(), "gradient: length");
    Signals signals(n_threads);
    double loss;
    {
      const Busy busy(busy_);
      nb::gil_scoped_release release;
      loss =
          job.loss_and_gradient(n_rows_, gradient.data(), n_threads, [&] { return signals.ask(); });
    }
    signals.rethrow();
    return loss;
  }

  // The job, for an exchange of `length` numbers with its slot (0 where θ is meant).
  Job<T>& at(int number, size_t length, int slot = 0) {
    Job<T>& job = at(number);
    require(static_cast<int64_t>(length) == job.n_parameters(), "one number per parameter");
    require(slot >= 0 && slot < job.n_slots(), "no such slot");
    return job;
  }

  Job<T>& at(int number) {
    Job<T>& job = any(number);
    require(!job.is_over(), "the job is over: its memory was given back");
    return job;
  }

  Job<T>& any(int number) {
    check_free();
    require(number >= 0 && number < static_cast<int>(jobs_.size()), "no such job");
    return *jobs_[number];
  }

 private:
  int64_t rows_of(const Plan& plan) const {
    const auto& order = std::get<1>(plan);
    return order ? static_cast<int64_t>(order->shape(0)) : n_rows_;
  }

  // How many of the plans, from the first, are run side by side: all, or as many as fill the threads
  // evenly if what is left over is done sooner one after another.
  int64_t together(const std::vector<Plan>& plans, int n_threads) const {
    const auto n = static_cast<int64_t>(plans.size());
    const int64_t even = n_threads > 1 ? n / n_threads * n_threads : n;
    double longest = 0, in_turn = 0;
    for (int64_t i = even; i < n; ++i) {
      const Job<T>& job = *jobs_[std::get<0>(plans[i])];
      const double rows = static_cast<double>(job.batch_size()) * std::get<2>(plans[i]).shape(0);
      const double work = job.flops_per_row() * rows;
      const int threads = job.threads_for(rows_of(plans[i]), n_threads);
      longest = std::max(longest, work);
      in_turn += threads == 1 ? work : work / (0.8 * threads);
    }
    return longest <= in_turn ? n : even;
  }

  // The bins of all rows, once for all jobs with the same edges.
  void provide_bins(Job<T>& job, int n_threads) {
    if (!job.wants_bins()) return;
    for (const auto& known : bins_)
      if (const auto bins = known.lock(); bins && bins->parts == job.parts())
        return job.set_bins(bins);
    auto bins = std::make_shared<Bins>();
    bins->parts = job.parts();
    bins->numbers =
        bins_of_rows(job.front_layout(), job.edges(), data_.X, data_.ld, n_rows_, n_threads);
    bins_.push_back(bins);
    job.set_bins(bins);
  }

  // Also this once for all jobs with the same parts
  void check_categories(const Job<T>& job) {
    if (checked_ && *checked_ == job.parts()) return;
    const std::string reason =
        why_no_categories(job.front_layout(), data_.X, data_.ld, data_.indptr ? 0 : n_rows_, 0);
    require(reason.empty(), reason.c_str());
    checked_ = job.parts();
  }

  // A handler of a signal, or another thread, may call in the middle of an epoch.
  void check_free() const {
    if (busy_) throw std::runtime_error("the run is at work: it can be read when that is done");
  }

  void check_rows() {
    require(n_rows_ == static_cast<int64_t>(t_.shape(0)), "X and t must have equally many rows");
    require(!weight_ || static_cast<int64_t>(weight_->shape(0)) == n_rows_, "one weight per row");
    data_.t = t_.data();
    data_.weight = weight_ ? weight_->data() : nullptr;
  }

  Matrix<T> X_;  // or the three of the CSR form
  Vector<T> values_;
  Vector<int64_t> indices_, indptr_;
  Matrix<T> t_;
  std::optional<Vector<T>> weight_;
  int64_t n_rows_, n_columns_;
  Data<T> data_{};
  std::vector<std::unique_ptr<Job<T>>> jobs_;
  std::vector<std::weak_ptr<const Bins>> bins_;
  std::optional<std::vector<PartSpec>> checked_;
  bool busy_ = false;  // read and written with the GIL
};

template <class T>
void bind_run(nb::module_& m, const char* name) {
  using R = Run<T>;
  nb::class_<R>(m, name)
      .def(nb::init<Matrix<T>, Matrix<T>, std::optional<Vector<T>>>(), "X"_a, "t"_a,
           "sample_weight"_a.none())
      .def(nb::init<Vector<T>, Vector<int64_t>, Vector<int64_t>, int64_t, Matrix<T>,
                    std::optional<Vector<T>>>(),
           "values"_a, "indices"_a, "indptr"_a, "n_columns"_a, "t"_a, "sample_weight"_a.none())
      .def("add", &R::add, "spec"_a, "theta"_a)
      .def("run_epochs", &R::run_epochs, "plans"_a, "deadline"_a, "n_threads"_a,
           "factors"_a = std::vector<typename R::Factors>())
      .def("loss_and_gradient", &R::loss_and_gradient, "job"_a, "gradient"_a.noconvert(),
           "n_threads"_a)
      .def(
          "read_theta",
          [](R& r, int job, Out1<T> out) { r.at(job, out.shape(0)).read_theta(out.data()); },
          "job"_a, "out"_a.noconvert())
      .def("write_theta",
           [](R& r, int job, Vector<T> in) { r.at(job, in.shape(0)).write_theta(in.data()); })
      .def(
          "read_slot",
          [](R& r, int job, int slot, Out1<T> out) {
            r.at(job, out.shape(0), slot).read_slot(slot, out.data());
          },
          "job"_a, "slot"_a, "out"_a.noconvert())
      .def("write_slot",
           [](R& r, int job, int slot, Vector<T> in) {
             r.at(job, in.shape(0), slot).write_slot(slot, in.data());
           })
      .def(
          "end", [](R& r, int job) { r.any(job).end(); }, "job"_a)
      .def(
          "take",
          [](R& r, int number, int slot, Out1<T> out) {
            Job<T>& job = r.any(number);
            require(static_cast<int64_t>(out.shape(0)) == job.n_parameters(),
                    "one number per parameter");
            require(slot >= -1 && slot < job.n_slots(), "no such slot");
            require(job.is_over(), "the job is not over");
            job.take(slot, out.data());
          },
          "job"_a, "slot"_a, "out"_a.noconvert())
      .def("counts",
           [](R& r, int job) {
             const Job<T>& j = r.any(job);
             return std::make_tuple(j.n_steps, j.optimizer_step, j.mu_product);
           })
      .def("set_counts", [](R& r, int job, int64_t n_steps, int64_t step, double mu_product) {
        Job<T>& j = r.at(job);
        j.n_steps = n_steps, j.optimizer_step = step, j.mu_product = mu_product;
      });
  m.def(
      "math",
      [](int function, Vector<T> x, Out1<T> y) {
        require(function >= 0 && function <= 7, "no such function");
        require(x.shape(0) == y.shape(0) && x.shape(0) % 16 == 0,
                "lengths must be multiples of 16");
        if constexpr (sizeof(T) == 4)
          chosen_isa().f32->math(function, x.data(), y.data(), x.shape(0));
        else
          chosen_isa().f64->math(function, x.data(), y.data(), x.shape(0));
      },
      "function"_a, "x"_a.noconvert(), "y"_a.noconvert());
}

BitGenerator& generator(const nb::capsule& bit_generator) {
  const char* name = bit_generator.name();
  require(name && std::string_view(name) == "BitGenerator", "a bit generator's capsule is wanted");
  return *static_cast<BitGenerator*>(bit_generator.data());
}

Mt19937& mersenne_twister(const nb::capsule& bit_generator) {
  return *static_cast<Mt19937*>(generator(bit_generator).state);
}

// Compares bits, unlike == (NaN, and 0 with its two signs). False if an array is not contiguous.
bool same_bytes(nb::handle a, nb::handle b) {
  Py_buffer x, y;
  if (PyObject_GetBuffer(a.ptr(), &x, PyBUF_C_CONTIGUOUS) != 0) return PyErr_Clear(), false;
  bool same = false;
  if (PyObject_GetBuffer(b.ptr(), &y, PyBUF_C_CONTIGUOUS) == 0) {
    same = x.len == y.len && std::memcmp(x.buf, y.buf, static_cast<size_t>(x.len)) == 0;
    PyBuffer_Release(&y);
  } else {
    PyErr_Clear();
  }
  PyBuffer_Release(&x);
  return same;
}

template <class Index>
void bind_orders(nb::module_& m) {
  const auto length = [](const Out1<Index>& x) {
    require(x.shape(0) < size_t{1} << 32, "x must have fewer than 2**32 entries");
    return static_cast<int64_t>(x.shape(0));
  };
  m.def(
      "shuffle",
      [length](nb::capsule bit_generator, Out1<Index> x) {
        const int64_t n = length(x);
        Mt19937& state = mersenne_twister(bit_generator);
        nb::gil_scoped_release release;
        shuffle(state, x.data(), n);
      },
      "bit_generator"_a, "x"_a.noconvert());
  m.def(
      "permute",
      [length](nb::capsule bit_generator, Out1<Index> x) {
        const int64_t n = length(x);
        BitGenerator& bits = generator(bit_generator);
        nb::gil_scoped_release release;
        permute(bits, x.data(), n);
      },
      "bit_generator"_a, "x"_a.noconvert());
}

template <class T>
void bind_uniform(nb::module_& m) {
  m.def(
      "uniform",
      [](nb::capsule bit_generator, double low, double high, Out2<T> x) {
        Mt19937& state = mersenne_twister(bit_generator);
        const auto n_out = static_cast<int64_t>(x.shape(0)),
                   n_in = static_cast<int64_t>(x.shape(1));
        nb::gil_scoped_release release;
        uniform(state, low, high, x.data(), n_out, n_in);
      },
      "bit_generator"_a, "low"_a, "high"_a, "x"_a.noconvert());
}

// The native parts by name. The definition's records are matched by name, never by position.
void bind_names(nb::module_& m) {
  nb::list activations, outputs, parameters;
  for (const ActivationInfo& a : kActivations) activations.append(a.name);
  for (const OutputInfo& o : kOutputs) outputs.append(o.name);
  for (const char* name : kParameters) parameters.append(name);
  m.attr("ACTIVATIONS") = nb::tuple(activations);
  m.attr("OUTPUTS") = nb::tuple(outputs);
  m.attr("PARAMETERS") = nb::tuple(parameters);
  nb::dict optimizers, layers;  // each with the names of its slots, or its parameters
  for (const OptimizerInfo& o : kOptimizers) {
    nb::list slots;
    for (int i = 0; i < o.n_slots(); ++i) slots.append(o.slots[i]);
    optimizers[o.name] = nb::tuple(slots);
  }
  for (const LayerKind& kind : kLayerKinds) {
    nb::list names;
    for (const Name* p = kind.parameters; *p != kNames; ++p) names.append(kParameters[*p]);
    layers[kind.name] = nb::tuple(names);
  }
  m.attr("OPTIMIZERS") = optimizers;
  m.attr("LAYERS") = layers;
}

}  // namespace

NB_MODULE(_native, m) {
  bind_names(m);
  nb::set_leak_warnings(false);  // a model may live until the interpreter ends
  nb::class_<PartSpec>(m, "PartSpec")
      .def(nb::init<>())
      .def_rw("kind", &PartSpec::kind)
      .def_rw("n", &PartSpec::n)
      .def_rw("n_units", &PartSpec::n_units)
      .def_rw("n_frequencies", &PartSpec::n_frequencies)
      .def_rw("n_codes", &PartSpec::n_codes)
      .def_rw("clip", &PartSpec::clip)
      .def_rw("edges", &PartSpec::edges)
      .def_rw("sizes", &PartSpec::sizes);
  nb::class_<JobSpec>(m, "JobSpec")
      .def(nb::init<>())
      .def(nb::init<const JobSpec&>())
      .def_rw("parts", &JobSpec::parts)
      .def_rw("scale", &JobSpec::scale)
      .def_rw("gains", &JobSpec::gains)
      .def_rw("slopes", &JobSpec::slopes)
      .def_rw("rate_factors", &JobSpec::rate_factors)
      .def_rw("sizes", &JobSpec::sizes)
      .def_rw("activations", &JobSpec::activations)
      .def_rw("dropout", &JobSpec::dropout)
      .def_rw("dropout_index", &JobSpec::dropout_index)
      .def_rw("output", &JobSpec::output)
      .def_rw("output_constants", &JobSpec::output_constants)
      .def_rw("batch_size", &JobSpec::batch_size)
      .def_rw("optimizer", &JobSpec::optimizer)
      .def_rw("optimizer_constants", &JobSpec::optimizer_constants)
      .def_rw("weight_decay", &JobSpec::weight_decay)
      .def_rw("l1", &JobSpec::l1)
      .def_rw("l2", &JobSpec::l2)
      .def_rw("l2_per_batch", &JobSpec::l2_per_batch)
      .def_rw("clip_norm", &JobSpec::clip_norm)
      .def_rw("seed", &JobSpec::seed)
      .def_rw("lower", &JobSpec::lower)
      .def_rw("upper", &JobSpec::upper)
      .def_rw("bfloat16", &JobSpec::bfloat16);
  bind_run<float>(m, "RunF32");
  bind_run<double>(m, "RunF64");
  bind_predictor<float>(m, "PredictorF32", require_network);
  bind_predictor<double>(m, "PredictorF64", require_network);
  m.def(
      "holds_state",
      [](nb::capsule bit_generator, Vector<uint32_t> key, int pos) {
        require(key.shape(0) == Mt19937::kWords, "key must have 624 words");
        return holds_state(mersenne_twister(bit_generator), key.data(), pos);
      },
      "bit_generator"_a, "key"_a, "pos"_a);
  bind_orders<int32_t>(m);
  bind_orders<int64_t>(m);
  bind_uniform<float>(m);
  bind_uniform<double>(m);
  m.def("same_bytes", &same_bytes, "a"_a, "b"_a);
  m.def("default_threads", &default_threads);
  m.def("cgroup_quota", &cgroup_quota, "root"_a = "");
  m.def("isa", [] { return std::string(chosen_isa().name); });
  m.def("why_not_bfloat16", [] { return why_not_bfloat16(chosen_isa()); });
  m.def(
      "round_to_bfloat16",
      [](Vector<float> x, nb::ndarray<uint16_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> y) {
        const std::string reason = why_not_bfloat16(chosen_isa());
        require(reason.empty(), reason.c_str());
        require(x.shape(0) == y.shape(0) && x.shape(0) % 32 == 0,
                "lengths must be multiples of 32");
        bfloat16_kernels->round(x.data(), y.data(), static_cast<int64_t>(x.shape(0)));
      },
      "x"_a.noconvert(), "y"_a.noconvert());
  m.def("available_isas", [] {
    std::vector<std::string> names;
    for (const Isa* isa : available_isas()) names.emplace_back(isa->name);
    return names;
  });
}
