// Powers with whole exponents, rounded as exactly as can be. The C library's pow differs in its last
// bit from one system, and one processor, to the next.
#pragma once

#include <cstdint>

namespace clearprop {

// A number as the sum of two, with twice the digits. Source: Dekker, A floating-point technique for
// extending the available precision, Numer. Math. 18 (1971).
struct Twofold {
  double high = 1, low = 0;

  Twofold operator*(const Twofold& y) const {
    const double product = high * y.high;
    const auto halves = [](double x, double& first, double& second) {
      const double c = 134217729.0 * x;  // 2²⁷ + 1
      first = c - (c - x), second = x - first;
    };
    double a, b, c, d;
    halves(high, a, b), halves(y.high, c, d);
    const double error = ((a * c - product) + a * d + b * c) + b * d;
    const double rest = error + (high * y.low + low * y.high);
    const double sum = product + rest;
    return {sum, rest - (sum - product)};
  }
};

// xᵗ for 0 ≤ x ≤ 1 and 0 ≤ t < 2⁴⁸, from the powers x, x², x⁴, …
class Power {
 public:
  Power() = default;
  explicit Power(double x, double low = 0) {
    squares_[0] = {x, low};
    for (int i = 1; i < kBits; ++i) squares_[i] = squares_[i - 1] * squares_[i - 1];
  }

  double operator()(int64_t t) const {
    Twofold power;
    for (int i = 0; i < kBits && t >> i > 0; ++i)
      if (t >> i & 1) power = power * squares_[i];
    return power.high;
  }

 private:
  static constexpr int kBits = 48;
  Twofold squares_[kBits];
};

}  // namespace clearprop
