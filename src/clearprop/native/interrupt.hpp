// Stopping at once: Ctrl-C, seen from inside a long epoch, or a long step.
#pragma once

#include <chrono>
#include <functional>

namespace clearprop {

// Returns whether to stop at once; asked from the thread that called, not too often.
using Interrupt = std::function<bool()>;

inline double seconds_now() {
#if defined(__wasm__)
  return 0;  // there is no clock, and nobody who could interrupt
#else
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

constexpr double kBetweenLooks = 0.03;  // seconds from one call to the next

// Calls an Interrupt at intervals, until it returns true.
class Watch {
 public:
  explicit Watch(const Interrupt& interrupt) : interrupt_(interrupt), last_(seconds_now()) {}

  bool stop(double now) {
    if (stop_ || now - last_ < kBetweenLooks) return stop_;
    last_ = now;
    return stop_ = interrupt_();
  }
  bool stop() { return stop(seconds_now()); }

  bool cut = false;  // work that was begun has been given up

 private:
  const Interrupt& interrupt_;
  double last_;
  bool stop_ = false;
};

}  // namespace clearprop
