#include "description.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "spec_checks.hpp"

namespace clearprop {

std::string last_error;

bool good(const std::string& reason) {
  last_error = reason;
  return reason.empty();
}

namespace {

constexpr double kMostBytes = 768.0 * 1024 * 1024, kSmall = 1 << 16;
constexpr double kLargest = 1 << 20;  // of a size

class Numbers {
 public:
  Numbers(const double* at, int n) : at_(at), end_(at + n) {}

  double next() {
    if (at_ < end_) return *at_++;
    complete_ = false;
    return 0;
  }
  // -1, which nothing can be, for all but whole numbers up to `most`
  int whole(double most) {
    const double x = next();
    return x >= 0 && x <= most && x == std::floor(x) ? static_cast<int>(x) : -1;
  }
  std::vector<double> list(int n) {
    std::vector<double> x;
    for (int i = 0; i < n && complete_; ++i) x.push_back(next());
    return x;
  }
  std::vector<int> wholes(int n, double most) {
    std::vector<int> x;
    for (int i = 0; i < n && complete_; ++i) x.push_back(whole(most));
    return x;
  }
  bool all_read() const { return complete_ && at_ == end_; }

 private:
  const double *at_, *end_;
  bool complete_ = true;
};

void read_layers(Numbers& in, JobSpec& spec) {
  const int n = in.whole(1000), hidden = std::max(n - 2, 0);
  spec.sizes = in.wholes(n, kLargest);
  spec.activations = in.wholes(hidden, 1000);
  spec.output = in.whole(1000);
  spec.output_constants = in.list(in.whole(kLargest));
  spec.gains = in.list(std::max(n - 1, 0));
  spec.slopes = in.wholes(hidden, 1);
  spec.dropout = in.list(hidden);
  spec.dropout_index.assign(spec.dropout.size(), 0);
  // dropout is a layer of its own, behind the dense one
  for (size_t l = 0, number = 0; l < spec.dropout.size(); ++l)
    if (++number; spec.dropout[l] > 0) spec.dropout_index[l] = static_cast<int>(number++);
}

bool check_network(const JobSpec& spec, double n_theta) {
  if (!good(why_no_network(spec))) return false;
  if (std::count(spec.slopes.begin(), spec.slopes.end(), -1) > 0)
    return good("slopes must be 0 or 1");
  if (n_theta != count_parameters(spec)) return good("theta has another length");
  return fits(8 * n_theta);
}

}  // namespace

bool fits(double bytes) {
  if (!(bytes < kMostBytes)) return good("this is too large to be computed in a page");
  if (bytes < kSmall) return good("");
  // What cannot be had later ends the program. (volatile: else the compiler leaves both calls out)
  void* volatile room = std::malloc(static_cast<size_t>(bytes));
  std::free(room);
  return good(room ? "" : "there is not enough memory");
}

bool read_network(const double* numbers, int n, double n_theta, JobSpec& spec) {
  Numbers in(numbers, n);
  read_layers(in, spec);
  if (!in.all_read()) return good("the description is not complete");
  if (n_theta < 0) n_theta = count_parameters(spec);
  return check_network(spec, n_theta);
}

bool read_job(const double* numbers, int n, double n_theta, JobSpec& spec) {
  Numbers in(numbers, n);
  read_layers(in, spec);
  spec.optimizer = in.whole(1000);
  spec.optimizer_constants = in.list(in.whole(100));
  spec.batch_size = in.whole(2147483647);
  spec.weight_decay = in.next();
  spec.l1 = in.next(), spec.l2 = in.next(), spec.l2_per_batch = in.next();
  spec.clip_norm = in.next();
  if (!in.all_read()) return good("the description is not complete");
  if (!check_network(spec, n_theta) || !good(why_no_job(spec, n_theta))) return false;
  for (double c : spec.optimizer_constants)
    if (!(c >= 0 && c <= 1)) return good("constants of the optimizer must lie in [0, 1]");
  for (double x : {spec.weight_decay, spec.l1, spec.l2, spec.l2_per_batch, spec.clip_norm})
    if (!(x >= 0 && std::isfinite(x))) return good("penalties and decay must be >= 0");
  return true;
}

std::vector<double> flushed_copy(const double* x, int64_t n) {
  std::vector<double> y(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    y[i] = std::fabs(x[i]) < 0x1p-1022 ? std::copysign(0.0, x[i]) : x[i];
  return y;
}

}  // namespace clearprop
